"""Sums and metrics as of any instant, families of sums, estimates, what caused an alert's change.

Sums are made anew with everything that is measured now: the hours that can be computed from their events are due
again after this migration, and so are the days that hold any of them. Of a sealed hour the results stand as they were
told; its file is measured again when its day is merged anew, or by a backfill of ``hourly_performance``.
"""

import sqlalchemy as sa
from alembic import op

from monitoring_pipeline.results.sql_views import create_views

revision = "0002"
down_revision = "0001"

RECOMPUTED = ("joined_predictions", "hourly_performance", "hourly_findings")
MERGED_ANEW = ("daily_performance", "daily_findings")

DAY_MICROS = 86_400_000_000


def upgrade() -> None:
    """Add the tables and columns, and make computed hours due."""
    op.create_table(
        "estimates",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("window_start", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("lower", sa.Double(), nullable=True),
        sa.Column("upper", sa.Double(), nullable=True),
        sa.Column("undefined_reason", sa.Text(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("unlabelled_count", sa.BigInteger(), nullable=False),
        sa.Column("trained_until", sa.BigInteger(), nullable=True),
        sa.Column("trained_count", sa.BigInteger(), nullable=False),
        sa.Column("known_from", sa.BigInteger(), nullable=False),
        sa.Column("known_to", sa.BigInteger(), nullable=True),
    )
    op.create_index(
        "ux_estimates_current",
        "estimates",
        ["model_id", "grain", "window_start", "model_version", "environment", "segment", "metric"],
        unique=True,
        sqlite_where=sa.text("known_to IS NULL"),
        postgresql_where=sa.text("known_to IS NULL"),
    )
    op.create_table(
        "knowledge",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_knowledge")),
    )
    op.create_table(
        "sums_known_at",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("window_start", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("checksum", sa.Text(), nullable=False),
        sa.Column("measured_as", sa.Text(), nullable=False),
        sa.Column("sums", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model_id", "window_start", "known_at", name=op.f("pk_sums_known_at")),
        sqlite_with_rowid=False,
    )
    op.add_column("alert_events", sa.Column("severity", sa.Text(), nullable=True))
    op.add_column("alert_events", sa.Column("causes", sa.Text(), nullable=True))
    op.add_column("metrics", sa.Column("detectable_change", sa.Double(), nullable=True))
    op.add_column("metrics", sa.Column("error_bound", sa.Double(), nullable=True))
    op.create_index("ix_metrics_history", "metrics", ["model_id", "grain", "window_start"], unique=False)
    op.drop_table("performance_sums")
    op.create_table(
        "performance_sums",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("window_start", sa.BigInteger(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("prediction_count", sa.BigInteger(), nullable=False),
        sa.Column("labelled_count", sa.BigInteger(), nullable=False),
        sa.Column("measured_as", sa.Text(), nullable=False),
        sa.Column("sums", sa.Text(), nullable=False),
        sa.Column("known_from", sa.BigInteger(), nullable=False),
        sa.Column("known_to", sa.BigInteger(), nullable=True),
    )
    op.create_index("ix_performance_sums_history", "performance_sums", ["model_id", "window_start"], unique=False)
    op.create_index(
        "ux_performance_sums_current",
        "performance_sums",
        ["model_id", "window_start", "model_version", "environment", "segment", "family"],
        unique=True,
        sqlite_where=sa.text("known_to IS NULL"),
        postgresql_where=sa.text("known_to IS NULL"),
    )
    _make_due()
    create_views(op.get_bind())


def _make_due() -> None:
    """Forget that the hours were computed, and the days; a day's revision is that of its hours, so it would not tell.

    Days first: they are found by their hours.
    """
    ledger = sa.table("partition_ledger", sa.column("dataset"), sa.column("model_id"), sa.column("window_start"))
    hours = ledger.alias()
    is_of_day = sa.and_(
        hours.c.model_id == ledger.c.model_id,
        hours.c.window_start >= ledger.c.window_start,
        hours.c.window_start < ledger.c.window_start + DAY_MICROS,
    )
    computable = sa.select(1).where(hours.c.dataset.in_(RECOMPUTED), is_of_day, ~_sealed(hours)).exists()
    op.execute(sa.delete(ledger).where(ledger.c.dataset.in_(MERGED_ANEW), computable))
    op.execute(sa.delete(ledger).where(ledger.c.dataset.in_(RECOMPUTED), ~_sealed(ledger)))


def _sealed(hours: sa.FromClause) -> sa.ColumnElement[bool]:
    seals = sa.table("partition_ledger", sa.column("dataset"), sa.column("model_id"), sa.column("window_start")).alias()
    return (
        sa.select(1)
        .where(
            seals.c.dataset == "sealed_events",
            seals.c.model_id == hours.c.model_id,
            seals.c.window_start == hours.c.window_start,
        )
        .exists()
    )
