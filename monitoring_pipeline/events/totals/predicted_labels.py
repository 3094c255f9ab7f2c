"""Under which name a prediction is counted: its class, as long as a version has no more classes than can be shown.

Names come from users, and each becomes a key of a table and a time series: both their number and their length are
bounded.
"""

import hashlib
from collections.abc import Mapping, Set

import orjson
from sqlalchemy import Connection

Version = tuple[str, str, str]
"""Model, version and environment."""

MOST_CLASSES = 50
"""Of one version; predictions of further classes are counted together."""

OTHERS = "(other)"
NUMBERS = ""

# With model, version and environment in one index entry of PostgreSQL, where three of the longest texts leave so much.
_MOST_BYTES = 100
_HASH_CHARS = 10

# Each takes the versions as one JSON text: a list of [model, version, environment].
_KNOWN = {
    "sqlite": """
        SELECT counted.model_id, counted.model_version, counted.environment, counted.predicted
        FROM json_each(?) AS wanted CROSS JOIN prediction_counters AS counted
        WHERE counted.model_id = json_extract(wanted.value, '$[0]')
            AND counted.model_version = json_extract(wanted.value, '$[1]')
            AND counted.environment = json_extract(wanted.value, '$[2]')
            AND counted.series = 'predictions'
    """,
    "postgresql": """
        SELECT counted.model_id, counted.model_version, counted.environment, counted.predicted
        FROM json_array_elements(CAST(%s AS json)) AS wanted JOIN prediction_counters AS counted
            ON counted.model_id = wanted ->> 0
            AND counted.model_version = wanted ->> 1
            AND counted.environment = wanted ->> 2
        WHERE counted.series = 'predictions'
    """,
}


def label_of(value: float | str | None, *, is_binary: bool) -> str:
    """The name under which what was predicted is counted.

    >>> label_of("POSITIVE", is_binary=False), label_of(1.0, is_binary=True), label_of(None, is_binary=False)
    ('POSITIVE', '1', '')
    """
    if isinstance(value, str):
        return _short(value)
    return str(int(value)) if is_binary and value in {0.0, 1.0} else NUMBERS


def shown_class(label: str, kept: Set[str]) -> str:
    """The label itself, or that of all which are too many."""
    return label if label in kept or label == NUMBERS else OTHERS


def kept_classes(connection: Connection, wanted: Mapping[Version, Set[str]]) -> dict[Version, set[str]]:
    """Which classes of each version are counted by name: those that were first.

    Args:
        connection: the open transaction whose turn it is.
        wanted: the classes that are about to be counted; versions without any are left out of the answer.
    """
    asked = {version: classes for version, classes in wanted.items() if classes}
    if not asked:
        return {}
    kept: dict[Version, set[str]] = {version: set() for version in asked}
    for model_id, model_version, environment, predicted in _known(connection, sorted(asked)):
        kept[model_id, model_version, environment].add(predicted)
    for version, classes in asked.items():
        known = kept[version]
        known -= {OTHERS, NUMBERS}
        known.update(sorted(classes - known)[: max(0, MOST_CLASSES - len(known))])
    return kept


def _known(connection: Connection, versions: list[Version]) -> list[tuple[str, str, str, str]]:
    found = connection.exec_driver_sql(_KNOWN[connection.dialect.name], (orjson.dumps(versions).decode(),))
    return [(row[0], row[1], row[2], row[3]) for row in found]


def _short(name: str) -> str:
    """A long name cut, with a hash so that no two become one."""
    written = name.encode()
    if len(written) <= _MOST_BYTES:
        return name
    cut = written[: _MOST_BYTES - _HASH_CHARS - 1].decode(errors="ignore")
    return f"{cut}~{hashlib.sha256(written).hexdigest()[:_HASH_CHARS]}"
