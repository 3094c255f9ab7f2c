"""What a statement does, and to which table: two words of which there are few."""

import re

from monitoring_pipeline.schema import metadata

OTHER = "other"

_OPERATION = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+\"?(\w+)\"?", re.IGNORECASE)


def operation_and_table(statement: str) -> tuple[str, str]:
    """The operation in lower case, and the first table of ours that is named.

    >>> operation_and_table("INSERT INTO predictions (model_id) VALUES (?)")
    ('insert', 'predictions')
    >>> operation_and_table("PRAGMA wal_checkpoint")
    ('other', 'other')
    """
    found = _OPERATION.match(statement)
    table = next((name for name in _TABLE.findall(statement) if name in metadata.tables), OTHER)
    return (OTHER if found is None else found[1].lower()), table
