"""What was ever stored, counted in the transactions that stored it: cheap to ask, right after every crash.

Retention removes events, never these counts. All instants are microseconds since the epoch, UTC.
"""

from sqlalchemy import BigInteger, Column, Double, Table, Text

from monitoring_pipeline.database import metadata

# One row per version of a model in an environment.
version_totals = Table(
    "version_totals",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("model_version", Text, primary_key=True),
    Column("environment", Text, primary_key=True),
    Column("prediction_count", BigInteger, nullable=False),
    Column("class_count", BigInteger, nullable=False),  # of them with a class name
    Column("probability_count", BigInteger, nullable=False),  # of them with a probability
    Column("first_seen_at", BigInteger, nullable=False),  # knowledge time of the first prediction stored
    Column("last_seen_at", BigInteger, nullable=False),
    Column("first_predicted_at", BigInteger, nullable=False),
    Column("last_predicted_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Counters and histograms of stored predictions as Prometheus knows them: each row only ever grows.
prediction_counters = Table(
    "prediction_counters",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("model_version", Text, primary_key=True),
    Column("environment", Text, primary_key=True),
    Column("predicted", Text, primary_key=True),  # the class, "" for numbers, "(other)" for classes beyond the most
    Column("series", Text, primary_key=True),  # predictions | latency_seconds | confidence
    # Of a histogram the upper edge of the one bucket that grew, and "sum"; of predictions "count".
    Column("bucket", Text, primary_key=True),
    Column("value", Double, nullable=False),
    sqlite_with_rowid=False,
)

# What became of rows that were received: few rows, each only ever grows.
ingest_counters = Table(
    "ingest_counters",
    metadata,
    Column("kind", Text, primary_key=True),  # predictions | actuals
    Column("outcome", Text, primary_key=True),  # accepted | duplicate | conflict | quarantined
    Column("reason", Text, primary_key=True),  # of those that wait in quarantine a member of QuarantineReason, else ""
    Column("row_count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
