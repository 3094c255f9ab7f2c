"""How much one request, one client and all of them together may ask of the ingest path."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestLimits:
    """The bounds of ``POST /v0/events``.

    Args:
        sent_bytes: of one body as it is sent.
        unpacked_bytes: of one body after gzip.
        lines: of one body; of a JSON array, its elements.
        body_seconds: a body that is not complete after this long is given up.
        held_bytes: of all bodies that are being read or wait to be stored.
        held_lines: likewise.
        client_share: the part of what is held that one client may claim.
    """

    # A row that waits takes some 7 kB of memory, and 2 cores store twenty thousand in half a second: to hold more
    # would cost much and only make everybody wait longer. A share is as much as the largest body.
    sent_bytes: int = 10_000_000
    unpacked_bytes: int = 10_000_000
    lines: int = 10_000
    body_seconds: float = 30.0
    held_bytes: int = 20_000_000
    held_lines: int = 20_000
    client_share: float = 0.5
