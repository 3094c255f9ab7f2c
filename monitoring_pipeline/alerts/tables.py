"""Where verdicts, alerts and messages stand. Instants are microseconds since the epoch, UTC.

``findings`` and ``alert_events`` are append-only; ``alerts`` is the present state that the events lead to;
``notifications`` is the outbox: it is written in the transaction of the transition it speaks about, so a
message exists if and only if the transition does.
"""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text, UniqueConstraint, text

from monitoring_pipeline.database import metadata


def _key() -> list[Column[object]]:
    return [
        Column("model_id", Text, nullable=False),
        Column("model_version", Text, nullable=False),
        Column("environment", Text, nullable=False),
        Column("segment", Text, nullable=False),  # "all" or "name=value"
        Column("grain", Text, nullable=False),
        Column("window_start", BigInteger, nullable=False),
        Column("rule_id", Text, nullable=False),
    ]


def _judgement() -> list[Column[object]]:
    return [
        Column("metric", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("value", Double),
        Column("lower", Double),
        Column("upper", Double),
        Column("threshold", Double, nullable=False),
        Column("direction", Text, nullable=False),  # above | below
        Column("prediction_count", BigInteger, nullable=False),
        Column("labelled_count", BigInteger, nullable=False),
    ]


# Verdicts that the mere passing of time can change: a young breach is to be confirmed, missing labels become a
# breach once they are due. Queries repeat this text, else SQLite would not use the index.
MAY_CHANGE_WITH_AGE = "known_to IS NULL AND mature = 0 AND (verdict = 'breach' OR reason = 'labels_still_expected')"

# What a rule said of a window during [known_from, known_to); known_to is null while it stands.
findings = Table(
    "findings",
    metadata,
    *_key(),
    *_judgement(),
    Column("verdict", Text, nullable=False),  # breach | ok | not_enough_data | undefined
    Column("reason", Text),  # why there is neither breach nor ok, or ok although the value is beyond the bound
    # 0 | 1; of a breach: labels are due or complete. Of other verdicts: complete; age is left out, for it changes
    # nothing there, and a rerun would write other rows than the first run.
    Column("mature", Integer, nullable=False),
    Column("known_from", BigInteger, nullable=False),
    Column("known_to", BigInteger),
    Index(
        "ux_findings_current",
        "model_id", "grain", "window_start", "model_version", "environment", "segment", "rule_id",
        unique=True,
        sqlite_where=text("known_to IS NULL"),
        postgresql_where=text("known_to IS NULL"),
    ),
    Index(
        "ix_findings_may_change_with_age",
        "model_id", "grain", "window_start",
        sqlite_where=text(MAY_CHANGE_WITH_AGE),
        postgresql_where=text(MAY_CHANGE_WITH_AGE),
    ),
)  # fmt: skip

# The numbers are those of the last verdict that was breach or ok; ``changed_at`` is the last transition.
alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Text, primary_key=True),  # hash of the finding's key: a rerun finds the same alert
    *_key(),
    *_judgement(),
    Column("state", Text, nullable=False),  # provisional | confirmed | escalated | retracted | withdrawn
    Column("sequence", Integer, nullable=False),  # of the last event
    Column("opened_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Index(None, "model_id", "grain", "window_start"),
)

alert_events = Table(
    "alert_events",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True),  # 1, 2, …
    Column("from_state", Text),  # null: the alert is opened
    Column("to_state", Text, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Column("old_value", Double),
    Column("new_value", Double),
    Column("old_coverage", Double),
    Column("new_coverage", Double),
    Column("labelled_count", BigInteger, nullable=False),
    Column("severity", Text),  # from this event on; null: written before severities were kept
    Column("causes", Text),  # JSON object: the ingest batches behind it, see Causes.document; null for withdrawn
    sqlite_with_rowid=False,
)

notifications = Table(
    "notifications",
    metadata,
    Column("notification_id", Text, primary_key=True),  # hash of alert_id, sequence and channel
    Column("alert_id", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("payload", Text, nullable=False),  # JSON object
    Column("state", Text, nullable=False),  # pending | delivered | failed | silenced
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False),  # while it is being sent: the end of the lease
    Column("created_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("last_error", Text),
    UniqueConstraint("alert_id", "sequence", "channel"),
    Index(
        "ix_notifications_due",
        "channel", "next_attempt_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index("ix_notifications_state", "state"),
)  # fmt: skip
