"""Errors of whole hours, brought up to date with the events that change them."""

from sqlalchemy import BigInteger, Column, Table, Text

from monitoring_pipeline.database import metadata

# A row is good while the hour's revision is the one that it was brought up to. Retention never removes it.
hour_errors = Table(
    "hour_errors",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("errors", Text, nullable=False),  # JSON list of [version, environment, sums] of the hour
    Column("parts", Text, nullable=False),  # JSON list of [start, version, environment, sums] of its parts
    sqlite_with_rowid=False,
)
