"""The rows of a month of one model's predictions and their truth, as statements that make them in the database.

Of every hour the predictions came together when it ended, then their truth: two batches of ingest, two revisions.
Rows are in the order of time, as they arrive; ids are in none, as producers make them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measured.ids import SCATTER, scattered
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.windows import HOUR_MICROS, Grain, floor

MODEL = "price"
VERSION = "v1"
REVISION = 2  # of every hour
FEATURES = '{"feature1":0.5,"feature2":10.2}'

_COUNTED = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)",
    "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(0 AS bigint), :rows - 1))",
}
_ID = {
    "sqlite": f"printf('%08x-%d', i * {SCATTER} % 4294967296, i)",
    "postgresql": f"lpad(to_hex(i * {SCATTER} % 4294967296), 8, '0') || '-' || i",
}
# As long as those of ingest, which are random.
_BATCH = {
    "sqlite": "printf('%032x', 2 * (i / :per_hour) + {number})",
    "postgresql": "lpad(to_hex(2 * (i / :per_hour) + {number}), 32, '0')",
}
_MADE = f":start + (i / :per_hour) * {HOUR_MICROS} + (i % :per_hour) * ({HOUR_MICROS} / :per_hour)"
_RECEIVED = f":start + (i / :per_hour + 1) * {HOUR_MICROS}"

# Every hour holds the same values, so that the errors of one hour are those of all of them.
_PREDICTED = "(i % :per_hour) * 0.001"
_ACTUAL = f"{_PREDICTED} + (((i % :per_hour) * 7919) % 1000 - 500) * 0.013"

# The tables that grow by each event, then those that ingest keeps of them.
_STATEMENTS = {
    "predictions": f"""
        INSERT INTO predictions (model_id, prediction_id, predicted_at, model_version, environment, predicted_value,
            features, received_at, batch_id)
        {{counted}} SELECT '{MODEL}', {{id}}, {_MADE}, '{VERSION}', 'production', {_PREDICTED}, :features, {_RECEIVED},
            {{predictions_batch}}
        FROM n""",
    "actuals": f"""
        INSERT INTO actuals (model_id, prediction_id, revision, predicted_at, actual_value, observed_at, received_at,
            batch_id)
        {{counted}} SELECT '{MODEL}', {{id}}, 1, {_MADE}, {_ACTUAL}, {_MADE}, {_RECEIVED}, {{actuals_batch}} FROM n""",
    "hours": f"""
        INSERT INTO hour_revision (model_id, hour, revision, prediction_revision, changed_at)
        SELECT '{MODEL}', predicted_at - predicted_at % {HOUR_MICROS}, {REVISION}, 1, MAX(received_at)
        FROM predictions GROUP BY predicted_at - predicted_at % {HOUR_MICROS}""",
    "totals of the version": f"""
        INSERT INTO version_totals (model_id, model_version, environment, prediction_count, class_count,
            probability_count, first_seen_at, last_seen_at, first_predicted_at, last_predicted_at)
        SELECT '{MODEL}', '{VERSION}', 'production', COUNT(*), COUNT(predicted_class), COUNT(prediction_proba),
            MIN(received_at), MAX(received_at), MIN(predicted_at), MAX(predicted_at)
        FROM predictions""",
    "counters of predictions": f"""
        INSERT INTO prediction_counters (model_id, model_version, environment, predicted, series, bucket, value)
        SELECT '{MODEL}', '{VERSION}', 'production', '', 'predictions', 'count', prediction_count
        FROM version_totals""",
    **{
        f"batches of {kind}": f"""
        INSERT INTO ingest_batches (batch_id, kind, source, received_at, received_count, accepted_count,
            duplicate_count, conflict_count, quarantined_count)
        SELECT batch_id, '{kind}', 'http', MIN(received_at), COUNT(*), COUNT(*), 0, 0, 0
        FROM {kind} GROUP BY batch_id"""
        for kind in ("predictions", "actuals")
    },
    "counters of ingest": """
        INSERT INTO ingest_counters (kind, outcome, reason, row_count)
        SELECT kind, 'accepted', '', SUM(accepted_count) FROM ingest_batches GROUP BY kind""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much there is, from when on."""

    start: int
    hours: int
    per_hour: int

    @property
    def rows(self) -> int:
        """Of all hours."""
        return self.hours * self.per_hour

    @classmethod
    def until_now(cls, *, rows: int, hours: int) -> "Extent":
        """The whole hours before this one."""
        start = floor(system_clock(), Grain.HOUR) - hours * HOUR_MICROS
        return cls(start=start, hours=hours, per_hour=rows // hours)


def prediction_id(number: int) -> str:
    """The id of a prediction that the statements make."""
    return f"{scattered(number):08x}-{number}"


def statements(dialect: str) -> Iterator[tuple[str, str]]:
    """What is made, and the statement that makes it of ``rows``, ``per_hour``, ``start`` and ``features``.

    Args:
        dialect: ``sqlite`` or ``postgresql``.
    """
    batch = _BATCH[dialect]
    for what, statement in _STATEMENTS.items():
        yield (
            what,
            statement.format(
                counted=_COUNTED[dialect],
                id=_ID[dialect],
                predictions_batch=batch.format(number=0),
                actuals_batch=batch.format(number=1),
            ),
        )
