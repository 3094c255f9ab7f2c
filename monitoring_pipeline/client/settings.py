"""What a client is told, checked when the service starts."""

from dataclasses import dataclass
from pathlib import Path

import httpx

from monitoring_pipeline.client.sending.pauses import Pauses
from monitoring_pipeline.client.spool.room import Overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client was told, as its threads need it; see :class:`.MonitorClient`."""

    spool: Path | None
    most_memory_bytes: int
    most_spool_bytes: int
    overflow: Overflow
    linger_seconds: float
    adopt_every_seconds: float
    pauses: Pauses


def address_of(url: str) -> httpx.URL:
    """The address of the server.

    Raises:
        ValueError: if it is none.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"the monitor's address cannot be understood: {error}; write https://host") from None
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        raise ValueError("the monitor's address has no host to send to; write https://host")
    return parsed


def checked_token(token: str | None) -> str | None:
    """A token that can be one.

    Raises:
        ValueError: if it cannot.
    """
    if token is not None and not (token.isascii() and token.isprintable() and token.strip() == token != ""):
        raise ValueError("the token holds what no token holds (blanks, line ends, …); was it read from a file?")
    return token
