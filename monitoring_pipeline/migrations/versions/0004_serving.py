"""What serving over HTTP needs: tokens, counts of all that was stored, errors of whole hours, how far sources
were read, what people do about alerts.

The versions that are stored are counted; counters that Prometheus reads begin at zero, which it takes for a restart.
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables, and count the predictions that are there."""
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("grants", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name="pk_api_tokens"),
        sa.UniqueConstraint("digest", name="uq_api_tokens_digest"),
    )
    op.create_index("ix_api_tokens_client", "api_tokens", ["client"])
    op.create_table(
        "version_totals",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("prediction_count", sa.BigInteger(), nullable=False),
        sa.Column("class_count", sa.BigInteger(), nullable=False),
        sa.Column("probability_count", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("first_predicted_at", sa.BigInteger(), nullable=False),
        sa.Column("last_predicted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", "model_version", "environment", name="pk_version_totals"),
        sqlite_with_rowid=False,
    )
    op.execute("""
        INSERT INTO version_totals
        SELECT model_id, model_version, environment, count(*), count(predicted_class), count(prediction_proba),
            min(received_at), max(received_at), min(predicted_at), max(predicted_at)
        FROM predictions
        GROUP BY model_id, model_version, environment
    """)
    op.create_table(
        "prediction_counters",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("model_id", "model_version", "environment", "predicted", "series", "bucket")
        ),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(
            "model_id", "model_version", "environment", "predicted", "series", "bucket", name="pk_prediction_counters"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ingest_counters",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "outcome", "reason")),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "outcome", "reason", name="pk_ingest_counters"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hour_errors",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", "hour", name="pk_hour_errors"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source_positions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "part", name="pk_source_positions"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("quarantine") as batch:
        batch.alter_column("line", existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=False)
        batch.add_column(sa.Column("model_id", sa.Text(), nullable=True))
        batch.add_column(sa.Column("discarded_at", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("discarded_by", sa.Text(), nullable=True))
        batch.add_column(sa.Column("discard_note", sa.Text(), nullable=True))
    op.create_index("ix_quarantine_model_id_received_at", "quarantine", ["model_id", "received_at"])
    _name_models_of_quarantine()
    op.create_table(
        "acknowledgements",
        sa.Column("alert_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", "sequence", name="pk_acknowledgements"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "silences",
        sa.Column("silence_id", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=True),
        sa.Column("rule_id", sa.Text(), nullable=True),
        sa.Column("segment", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("silence_id", name="pk_silences"),
    )
    op.create_index("ix_silences_ends_at", "silences", ["ends_at"])


def _name_models_of_quarantine() -> None:
    """Say of quarantined rows whose they are, where their text can be read."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT quarantine_id, raw FROM quarantine")).all()
    named = [{"id": row.quarantine_id, "model": model} for row in rows if (model := _model_in(row.raw)) is not None]
    if named:
        connection.execute(sa.text("UPDATE quarantine SET model_id = :model WHERE quarantine_id = :id"), named)


def _model_in(raw: str) -> str | None:
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    found = record.get("model_id") if isinstance(record, dict) else None
    return found if isinstance(found, str) and found.isprintable() and 0 < len(found) <= 200 else None
