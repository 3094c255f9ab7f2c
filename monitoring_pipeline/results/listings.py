"""How the rows of result tables are shown, and in which order."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import BigInteger, RowMapping, Table

from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import Grain, Window, isoformat

ResultRow = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A result table as it is listed.

    Args:
        table: the table.
        order: what its rows are listed by; together these columns name one standing row.
        shape: makes a row ready for JSON.
    """

    table: Table
    order: tuple[str, ...]
    shape: Callable[[RowMapping], ResultRow]

    @property
    def key_kinds(self) -> list[type[str] | type[int]]:
        """What the values of ``order`` are."""
        return [int if isinstance(self.table.c[name].type, BigInteger) else str for name in self.order]


def _group(row: RowMapping) -> ResultRow:
    window = Window(row["window_start"], Grain(row["grain"]))
    return {
        "model_id": row["model_id"],
        "model_version": row["model_version"],
        "environment": row["environment"],
        "segment": row["segment"],
        "grain": row["grain"],
        "window_start": isoformat(window.start),
        "window_end": isoformat(window.end),
    }


def _metric(row: RowMapping) -> ResultRow:
    predictions, labelled = row["prediction_count"], row["labelled_count"]
    return {
        "metric": row["metric"],
        **{key: _finite(row[key]) for key in ("value", "lower", "upper", "detectable_change", "error_bound")},
        "prediction_count": predictions,
        "labelled_count": labelled,
        # A value without a label is that of a metric which needs none, such as a latency.
        "coverage": labelled / predictions if predictions and (labelled or row["value"] is None) else None,
        "undefined_reason": row["undefined_reason"],
        "known_from": isoformat(row["known_from"]),
    }


def _drift(row: RowMapping) -> ResultRow:
    return {
        **{key: row[key] for key in ("drift_type", "feature", "measure", "verdict", "reason")},
        **{key: _finite(row[key]) for key in ("value", "threshold", "noise_limit", "detectable", "p_value", "q_value")},
        **{key: row[key] for key in ("n_reference", "n_window", "n_effective", "window_count")},
        "detail": None if row["detail"] is None else orjson.loads(row["detail"]),
        "reference_id": row["reference_id"],
        "known_from": isoformat(row["known_from"]),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


_WINDOW_ORDER = ("model_id", "grain", "window_start", "model_version", "environment", "segment")

METRICS = Listing(table=metrics, order=(*_WINDOW_ORDER, "metric"), shape=lambda row: {**_group(row), **_metric(row)})
DRIFT = Listing(
    table=drift_results,
    order=(*_WINDOW_ORDER, "drift_type", "feature", "measure"),
    shape=lambda row: {**_group(row), **_drift(row)},
)
