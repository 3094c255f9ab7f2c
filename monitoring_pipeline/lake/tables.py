"""The partition ledger: which bytes stand for which model's hour (or day), and from which revision."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from monitoring_pipeline.database import metadata

# ``revision`` is the input revision that the stage read before it read the data. File datasets carry a
# path and checksum; result datasets (performance, drift, …) carry the checksum of their rows alone.
partition_ledger = Table(
    "partition_ledger",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("model_id", Text, primary_key=True),
    Column("window_start", BigInteger, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("path", Text),  # relative to the lake's root
    Column("checksum", Text, nullable=False),  # sha256, hex
    Column("row_count", BigInteger, nullable=False),
    Column("byte_count", BigInteger, nullable=False),
    Column("published_at", BigInteger, nullable=False),
    Index(None, "dataset", "window_start"),
)

# The last knowledge time under which a dataset was published, so that it never runs backwards: what was said as of
# an instant stays said.
knowledge = Table(
    "knowledge",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("known_at", BigInteger, nullable=False),
)
