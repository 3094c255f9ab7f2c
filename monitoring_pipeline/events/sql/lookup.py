"""Finding many stored rows by their keys in one query, on either database."""

from collections.abc import Sequence

import orjson
from sqlalchemy import ARRAY, ColumnElement, FromClause, Table, Text, bindparam, func

Key = tuple[str, str]
"""``(model_id, prediction_id)``: what identifies a prediction and the actuals about it."""


def keys_clause(dialect: str, keys: Sequence[Key], table: Table) -> tuple[FromClause, ColumnElement[bool]]:
    """A table of the keys, and the condition that joins ``table`` to it.

    The keys travel as one parameter (SQLite) or two (PostgreSQL), so neither limits their number.
    """
    if dialect == "sqlite":
        listed = func.json_each(orjson.dumps(keys).decode()).table_valued("value", name="wanted")
        parts = [func.json_extract(listed.c.value, f"$[{place}]") for place in (0, 1)]
        return listed, (table.c.model_id == parts[0]) & (table.c.prediction_id == parts[1])
    columns = [bindparam(None, [key[place] for key in keys], type_=ARRAY(Text)) for place in (0, 1)]
    listed = func.unnest(*columns).table_valued("model_id", "prediction_id", name="wanted").render_derived()
    match = (table.c.model_id == listed.c.model_id) & (table.c.prediction_id == listed.c.prediction_id)
    return listed, match
