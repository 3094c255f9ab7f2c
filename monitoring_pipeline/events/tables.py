"""The event store's tables: facts as they arrived, nothing overwritten.

All instants are microseconds since the epoch, UTC (see :mod:`monitoring_pipeline.windows`).
"""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text, text

from monitoring_pipeline.database import metadata

# One row per call of ingest: where rows came from and what became of each of them.
ingest_batches = Table(
    "ingest_batches",
    metadata,
    Column("batch_id", Text, primary_key=True),  # random hex, made by the writer
    Column("kind", Text, nullable=False),  # predictions | actuals
    Column("source", Text, nullable=False),  # file name, "python", "http"
    Column("received_at", BigInteger, nullable=False),
    Column("received_count", Integer, nullable=False),
    Column("accepted_count", Integer, nullable=False),
    Column("duplicate_count", Integer, nullable=False),
    Column("conflict_count", Integer, nullable=False),
    Column("quarantined_count", Integer, nullable=False),
)

predictions = Table(
    "predictions",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("prediction_id", Text, primary_key=True),
    Column("predicted_at", BigInteger, nullable=False),  # event time
    Column("model_version", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("predicted_value", Double),  # a number or 0/1; exactly one of value and class is set
    Column("predicted_class", Text),  # a class name
    Column("prediction_proba", Double),  # probability of the positive class
    Column("probabilities", Text),  # JSON object, class -> probability
    Column("confidence", Double),
    Column("latency_ms", Double),
    Column("entity_id", Text),
    Column("features", Text, nullable=False),  # JSON object
    Column("extras", Text),  # JSON object: declared segment and business fields
    Column("received_at", BigInteger, nullable=False),  # knowledge time
    Column("batch_id", Text, nullable=False),
    Index(None, "model_id", "predicted_at"),
)

# Append-only. ``predicted_at`` is the event time of the prediction it belongs to, copied so that one
# window's truth is one index range; it is null while the prediction is unknown: such a row is an orphan.
# A row with neither value nor class is a retraction. Which row holds is told by :mod:`.truth`, not by ``revision``.
actuals = Table(
    "actuals",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("prediction_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),  # 1, 2, … in order of arrival
    Column("predicted_at", BigInteger),
    Column("actual_value", Double),
    Column("actual_class", Text),
    Column("observed_at", BigInteger),  # the event's own timestamp, if it carried one
    Column("received_at", BigInteger, nullable=False),
    Column("batch_id", Text, nullable=False),
    Index(None, "model_id", "predicted_at"),
    Index(
        "ix_actuals_orphans",
        "model_id",
        sqlite_where=text("predicted_at IS NULL"),
        postgresql_where=text("predicted_at IS NULL"),
    ),
    sqlite_with_rowid=False,
)

# Rows that could not be accepted, so that they can be mended and replayed: a line of text word for word, a row that
# was read (of CSV, Parquet or a program) as JSON with the same field names.
quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", Text, primary_key=True),  # hash of kind and raw: a replay adds nothing
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("line", BigInteger, nullable=False),  # 1-based line or row of the source, or a message's offset
    Column("field", Text),  # the column at fault, if one can be named
    Column("reason", Text, nullable=False),  # a member of QuarantineReason
    Column("detail", Text, nullable=False),  # one sentence for people
    Column("raw", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("batch_id", Text, nullable=False),
    Column("model_id", Text),  # as far as the row can be read
    # Somebody decided that the row will never be taken; it stays on record, and its text stays refused.
    Column("discarded_at", BigInteger),
    Column("discarded_by", Text),
    Column("discard_note", Text),
    Index(None, "received_at"),
    Index(None, "model_id", "received_at"),
)

# The last change that touches a model's hour. ``revision`` counts every change, ``prediction_revision``
# is its value when a prediction last changed: late truth moves only the first.
hour_revision = Table(
    "hour_revision",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True),  # start of the hour of the prediction
    Column("revision", BigInteger, nullable=False),
    Column("prediction_revision", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index(None, "hour"),
)
