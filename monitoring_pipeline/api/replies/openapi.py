"""What the OpenAPI document says of a pipe's replies: their columns, and an example in each format."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import orjson

from monitoring_pipeline.api.replies.reply import Column, Format, Kind, Reply

_SCHEMAS: Mapping[Kind, Mapping[str, Any]] = {
    Kind.STRING: {"type": "string"},
    Kind.FLOAT: {"type": "number"},
    Kind.COUNT: {"type": "integer", "minimum": 0},
    Kind.INSTANT: {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"},
    Kind.FLOAT_OR_NULL: {"type": ["number", "null"]},
    Kind.STRING_OR_NULL: {"type": ["string", "null"]},
}
_COUNT = {"type": "integer", "minimum": 0}


def replies_of(columns: Sequence[Column], example: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route.

    Args:
        columns: of the pipe.
        example: a row's attributes.
    """
    reply = Reply(
        columns=columns, rows=[SimpleNamespace(**example)], rows_read=12, bytes_read=1_860, elapsed_seconds=0.0021
    )
    shown = {written: bytes(reply.response(written).body) for written in Format}
    return {
        200: {
            "description": "The rows.",
            "content": {
                "application/json": {"schema": _schema(columns), "example": orjson.loads(shown[Format.JSON])},
                "text/csv": {"schema": {"type": "string"}, "example": shown[Format.CSV].decode()},
                "application/x-ndjson": {"schema": {"type": "string"}, "example": shown[Format.NDJSON].decode()},
            },
        }
    }


def _schema(columns: Sequence[Column]) -> dict[str, Any]:
    properties = {column.name: {**_SCHEMAS[column.kind], "description": column.meaning} for column in columns}
    row = {"type": "object", "properties": properties, "required": list(properties)}
    column = {"type": "object", "properties": {"name": {"type": "string"}, "type": {"enum": [*Kind]}}}
    statistics = {
        "type": "object",
        "properties": {"elapsed": {"type": "number"}, "rows_read": _COUNT, "bytes_read": _COUNT},
    }
    members = {
        "meta": {"type": "array", "items": column},
        "data": {"type": "array", "items": row},
        "rows": _COUNT,
        "rows_before_limit_at_least": _COUNT,
        "statistics": statistics,
    }
    return {"type": "object", "properties": members, "required": list(members)}
