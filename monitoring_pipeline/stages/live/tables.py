"""Errors of whole hours, kept so that a look back over weeks reads no rows."""

from sqlalchemy import BigInteger, Column, Table, Text

from monitoring_pipeline.database import metadata

# A cache: a row is good while the hour's revision is the one it was computed at.
hour_errors = Table(
    "hour_errors",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("errors", Text, nullable=False),  # JSON list of [version, environment, errors]
    sqlite_with_rowid=False,
)
