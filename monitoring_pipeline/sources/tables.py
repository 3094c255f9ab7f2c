"""How far each source has been read. Instants are microseconds since the epoch, UTC."""

from sqlalchemy import BigInteger, Column, Table, Text

from monitoring_pipeline.database import metadata

# Written in the transaction that lands what was read, so that nothing is skipped and little is read twice.
source_positions = Table(
    "source_positions",
    metadata,
    Column("source", Text, primary_key=True),  # its name in the config
    Column("part", Text, primary_key=True),  # a file's path, a topic's partition, or "" for the whole
    Column("position", Text, nullable=False),  # JSON: what the next reading begins behind
    Column("read_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
