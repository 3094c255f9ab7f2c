"""What people do about alerts: they take note of one, or want to hear nothing of some for a while."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from monitoring_pipeline.database import metadata

# Append-only. An alert is acknowledged up to the event that was its last then: what happens after it is news again.
acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),  # of the alert's last event when somebody took note
    Column("acknowledged_at", BigInteger, nullable=False),
    Column("acknowledged_by", Text, nullable=False),
    Column("note", Text),
    sqlite_with_rowid=False,
)

# While one holds, matching alerts open and change as ever, but no notification of them is sent.
silences = Table(
    "silences",
    metadata,
    Column("silence_id", Text, primary_key=True),  # random hex
    Column("model_id", Text),  # null: every model
    Column("rule_id", Text),  # null: every rule
    Column("segment", Text),  # null: every segment
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("ended_at", BigInteger),  # somebody ended it before its time
    Column("ended_by", Text),
    Index(None, "ends_at"),
)
