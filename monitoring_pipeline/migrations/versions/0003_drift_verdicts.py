"""Drift verdicts per feature, what a window could not see, drift of predictions and of the truth.

Older results stay as they were told, each as drift of inputs; what they do not say of themselves is what was true of
all of them: every row counted for itself, and no windows were put together. The hours that can be computed from their
events are judged anew, and so are the days that hold any of them.
"""

import sqlalchemy as sa
from alembic import op

from monitoring_pipeline.results.sql_views import create_views, drop_views

revision = "0003"
down_revision = "0002"

RECOMPUTED = ("hourly_drift", "hourly_findings")
MERGED_ANEW = ("daily_drift", "daily_findings")

DAY_MICROS = 86_400_000_000

_KEPT = (
    "model_id", "model_version", "environment", "segment", "grain", "window_start", "feature", "measure", "value",
    "p_value", "threshold", "verdict", "reason", "n_reference", "n_window", "reference_id", "known_from", "known_to",
)  # fmt: skip
_ADDED = ("drift_type", "n_effective", "window_count")


def upgrade() -> None:
    """Give the table its new columns, keep its rows, and make computed windows due."""
    op.drop_index("ux_drift_results_current", "drift_results")
    op.rename_table("drift_results", "drift_results_before")
    op.create_table(
        "drift_results",
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("window_start", sa.BigInteger(), nullable=False),
        sa.Column("drift_type", sa.Text(), nullable=False),
        sa.Column("feature", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("q_value", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("noise_limit", sa.Double(), nullable=True),
        sa.Column("detectable", sa.Double(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("n_reference", sa.BigInteger(), nullable=False),
        sa.Column("n_window", sa.BigInteger(), nullable=False),
        sa.Column("n_effective", sa.Double(), nullable=False),
        sa.Column("window_count", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("reference_id", sa.Text(), nullable=False),
        sa.Column("known_from", sa.BigInteger(), nullable=False),
        sa.Column("known_to", sa.BigInteger(), nullable=True),
    )
    before, after = (_table(name) for name in ("drift_results_before", "drift_results"))
    kept = [before.c[name] for name in _KEPT]
    told = sa.select(*kept, sa.literal("data_drift"), before.c.n_window, sa.literal(1))
    op.execute(sa.insert(after).from_select([*_KEPT, *_ADDED], told))
    op.drop_table("drift_results_before")
    op.create_index(
        "ux_drift_results_current",
        "drift_results",
        [
            "model_id",
            "grain",
            "window_start",
            "model_version",
            "environment",
            "segment",
            "drift_type",
            "feature",
            "measure",
        ],
        unique=True,
        sqlite_where=sa.text("known_to IS NULL"),
        postgresql_where=sa.text("known_to IS NULL"),
    )
    _make_due()
    drop_views(op.get_bind())
    create_views(op.get_bind())


def _table(name: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in (*_KEPT, *_ADDED)))


def _make_due() -> None:
    """Forget that the windows were judged; days first, which are found by their hours."""
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
