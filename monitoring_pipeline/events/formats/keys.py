"""Finding a key that a JSON object repeats, which parsers otherwise resolve silently by taking the last.

Parsing twice to be sure would cost more than everything else together. Instead the colons after a quote are
counted: as many as there are distinct keys means that no key was written twice. Only a line whose count differs
(a text that contains ``":``, an unusual spacing, a repeated key) is parsed a second time to see which it is.
"""

import json
from collections import Counter
from collections.abc import Mapping

from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected


def may_mislead(written: bytes) -> bool:
    """Whether the colons after a quote may be another number than the keys, in this text or in any line of it."""
    # Space between a key and its colon would hide it from the count; the last two bytes may be the line's end.
    # A quote or colon written as \u0022 or \u003a inside a text is in the parsed count alone, and would make up
    # for a repeated key; every other escape leaves both counts equal.
    return b'" ' in written or b"\\u00" in written or b"\t" in written or b"\r" in written[:-2]


def has_as_many_keys(written: bytes, parsed: Mapping[str, object]) -> bool:
    """Whether the JSON text ``written`` has no more keys than the object ``parsed`` that it gave.

    It tells nothing of a text that :func:`may_mislead`.
    """
    count = len(parsed)
    for name in ("features", "probabilities"):
        inner = parsed.get(name)
        if type(inner) is dict:
            count += len(inner)
        elif type(inner) is str:
            count += inner.count('":')
    return written.count(b'":') == count


def strict_object(text: str) -> object:
    """Parse JSON and refuse repeated keys at any depth. NaN, infinities and 1e400 become floats.

    Raises:
        Rejected: duplicate_key.
        ValueError: not JSON.
        RecursionError: nested too deeply.
    """
    return json.loads(text, object_pairs_hook=distinct)


def distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The object with these members, in a time that grows with their number: they may fill a line of a megabyte.

    Raises:
        Rejected: duplicate_key, with the name of the first that is repeated.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        repeated = next(name for name in found if counts[name] > 1)
        detail = f"the key {repeated[:100]!r} is written more than once; which one is meant?"
        raise Rejected(QuarantineReason.DUPLICATE_KEY, repeated[:100], detail)
    return found
