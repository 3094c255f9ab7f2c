"""Results are append-only by knowledge time: a changed value closes the old row and opens a new one.

A row was what the monitor said during ``[known_from, known_to)``; ``known_to`` is null while it stands.
"""

from sqlalchemy import BigInteger, Column, Double, Index, Table, Text, text

from monitoring_pipeline.database import metadata


def _window_key() -> list[Column[object]]:
    return [
        Column("model_id", Text, nullable=False),
        Column("model_version", Text, nullable=False),
        Column("environment", Text, nullable=False),
        Column("segment", Text, nullable=False),  # "all" or "name=value"
        Column("grain", Text, nullable=False),
        Column("window_start", BigInteger, nullable=False),
    ]


def _knowledge() -> list[Column[object]]:
    return [
        Column("known_from", BigInteger, nullable=False),
        Column("known_to", BigInteger),
    ]


def _current(name: str, *columns: str) -> Index:
    """One standing row per key: the database itself refuses two present truths."""
    return Index(
        name,
        *columns,
        unique=True,
        sqlite_where=text("known_to IS NULL"),
        postgresql_where=text("known_to IS NULL"),
    )


# Mergeable sums of one hour and group: days, weeks and any window are merged from these, as of any instant.
performance_sums = Table(
    "performance_sums",
    metadata,
    Column("model_id", Text, nullable=False),
    Column("window_start", BigInteger, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("segment", Text, nullable=False),
    Column("family", Text, nullable=False),  # performance | operations | labels | business
    Column("prediction_count", BigInteger, nullable=False),
    Column("labelled_count", BigInteger, nullable=False),
    Column("measured_as", Text, nullable=False),  # kind and its settings: sums of others are not merged with these
    Column("sums", Text, nullable=False),  # JSON; doubles written so that they read back bit-equal
    *_knowledge(),
    _current(
        "ux_performance_sums_current",
        "model_id", "window_start", "model_version", "environment", "segment", "family",
    ),
    Index("ix_performance_sums_history", "model_id", "window_start"),
)  # fmt: skip

# An hour's sums as they were known at an instant, for comparisons at the same label age. A cache: a row is good
# while its checksum is that of the standing joined file.
sums_known_at = Table(
    "sums_known_at",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("window_start", BigInteger, primary_key=True),
    Column("known_at", BigInteger, primary_key=True),
    Column("checksum", Text, nullable=False),  # of the joined file that they were computed from
    Column("measured_as", Text, nullable=False),
    Column("sums", Text, nullable=False),  # JSON list of [version, environment, segment, sums]
    sqlite_with_rowid=False,
)

metrics = Table(
    "metrics",
    metadata,
    *_window_key(),
    Column("metric", Text, nullable=False),
    Column("value", Double),
    Column("lower", Double),
    Column("upper", Double),
    Column("detectable_change", Double),  # the smallest true change that the window would have shown
    Column("error_bound", Double),  # how far a histogram's answer may be from the exact one; null: exact
    Column("undefined_reason", Text),  # why there is no value, never a number in its place
    Column("prediction_count", BigInteger, nullable=False),
    Column("labelled_count", BigInteger, nullable=False),
    *_knowledge(),
    _current(
        "ux_metrics_current",
        "model_id", "grain", "window_start", "model_version", "environment", "segment", "metric",
    ),
    Index("ix_metrics_history", "model_id", "grain", "window_start"),
)  # fmt: skip

# What the performance on rows without truth probably is: shown beside the measured one, never judged by a rule.
estimates = Table(
    "estimates",
    metadata,
    *_window_key(),
    Column("metric", Text, nullable=False),
    Column("value", Double),
    Column("lower", Double),
    Column("upper", Double),
    Column("undefined_reason", Text),
    Column("method", Text, nullable=False),  # confidence_based | direct_loss
    Column("unlabelled_count", BigInteger, nullable=False),  # the rows that are estimated
    Column("trained_until", BigInteger),  # the labels that the estimator learned from were known by then
    Column("trained_count", BigInteger, nullable=False),
    *_knowledge(),
    _current(
        "ux_estimates_current",
        "model_id", "grain", "window_start", "model_version", "environment", "segment", "metric",
    ),
)  # fmt: skip

drift_results = Table(
    "drift_results",
    metadata,
    *_window_key(),
    Column("drift_type", Text, nullable=False),  # data_drift | prediction_drift | label_drift | concept_drift
    Column("feature", Text, nullable=False),  # a feature, or an output in parentheses: (prediction)
    Column("measure", Text, nullable=False),  # "overall": the feature's verdict from all its measures
    Column("value", Double),
    Column("p_value", Double),
    Column("q_value", Double),  # of overall: the false discovery rate among everything judged with it
    Column("threshold", Double),  # the minimum effect
    Column("noise_limit", Double),  # what noise alone would exceed with probability alpha / features
    Column("detectable", Double),  # the smallest true effect that the window would have shown
    Column("verdict", Text, nullable=False),  # drift | no_drift | not_enough_data
    Column("reason", Text),
    Column("n_reference", BigInteger, nullable=False),
    Column("n_window", BigInteger, nullable=False),
    Column("n_effective", Double, nullable=False),  # independent rows that the window's are worth
    Column("window_count", BigInteger, nullable=False),  # windows put together; 1 is the window alone
    Column("detail", Text),  # JSON: what else the measure says
    Column("reference_id", Text, nullable=False),  # content hash of the reference
    *_knowledge(),
    _current(
        "ux_drift_results_current",
        "model_id", "grain", "window_start", "model_version", "environment", "segment", "drift_type", "feature",
        "measure",
    ),
)  # fmt: skip

quality_results = Table(
    "quality_results",
    metadata,
    Column("model_id", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("window_start", BigInteger, nullable=False),
    Column("expectation", Text, nullable=False),  # expectation type and column, e.g. "values_not_null(prediction_id)"
    Column("severity", Text, nullable=False),  # critical | warning | info
    Column("verdict", Text, nullable=False),  # passed | failed | error
    Column("unexpected_count", BigInteger),
    Column("row_count", BigInteger, nullable=False),
    Column("detail", Text),
    *_knowledge(),
    _current("ux_quality_results_current", "model_id", "dataset", "window_start", "expectation"),
)
