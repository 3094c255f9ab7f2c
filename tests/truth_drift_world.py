"""A model whose truth comes two hours late, with a labelled reference: shared by tests of drift that needs labels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Engine, select

from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.results.tables import drift_results
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.drifting.truth.truth_drift import measure_truth_drift
from monitoring_pipeline.stages.judging.findings import judge_windows
from monitoring_pipeline.stages.measuring.daily_performance import merge_days
from monitoring_pipeline.stages.measuring.performance import measure_hours
from monitoring_pipeline.stages.report import StageReport
from monitoring_pipeline.stages.rows.joined import join_predictions
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import HOUR_MICROS, Grain, isoformat
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour
from tests.pipeline_examples import ingest

Row = dict[str, Any]
Truth = Callable[[Floats, np.random.Generator], Floats]

FEATURES = {"x": "numeric", "kind": "categorical"}
HOUR_OF_DAY = 12
ROWS = 240
LONG_AFTER = hour(40)


def usual(x: Floats, rng: np.random.Generator) -> Floats:
    """The model says 2x; it misses large x by far."""
    return 2.0 * x + rng.normal(size=x.size) * (0.3 + np.maximum(x, 0.0)) + np.maximum(x, 0.0)


def flipped(x: Floats, rng: np.random.Generator) -> Floats:
    return usual(x, rng) - 6.0 * (x > 0.5)


def worse(x: Floats, rng: np.random.Generator) -> Floats:
    return usual(x, rng) + 4.0


@dataclass(kw_only=True)
class World:
    """One model ``m`` that says 2x, with a reference file."""

    late: LateTruth

    def day(self, day: int, truth: Truth = usual, *, shift: float = 0.0, rows: int = ROWS, told: int | None = None,
            reverse: bool = False, **fields: Any) -> None:  # fmt: skip
        """Predictions of a day, of which the first are told their truth two hours later."""
        predictions, actuals = self.events(day, truth, shift=shift, rows=rows, **fields)
        step = -1 if reverse else 1
        self.late.clock.now = LONG_AFTER
        ingest(self.late.installation, predictions=predictions[::step], actuals=actuals[:told][::step])

    def events(
        self, day: int, truth: Truth = usual, *, shift: float = 0.0, rows: int = ROWS, **fields: Any
    ) -> tuple[list[Row], list[Row]]:
        rng = np.random.default_rng(day)
        x = rng.normal(size=rows) + shift
        kinds, actual = rng.choice(["a", "b", "c"], size=rows), truth(x, rng)
        start = hour(day, HOUR_OF_DAY)
        said = [isoformat(start + n * 1_000_000) for n in range(rows)]
        known = isoformat(start + 2 * HOUR_MICROS)
        common = [{"model_id": "m", "prediction_id": f"{day}-{n:04}"} for n in range(rows)]
        predictions = [
            {
                **c,
                "timestamp": at,
                "received_at": at,
                "features": {"x": float(v), "kind": str(k)},
                **said_of(float(v)),
                **fields,
            }
            for c, at, v, k in zip(common, said, x, kinds, strict=True)
        ]
        actuals = [
            {**c, "timestamp": known, "received_at": known, "actual_value": float(a)}
            for c, a in zip(common, actual, strict=True)
        ]
        return predictions, actuals

    def hours(self, days: Sequence[int]) -> None:
        starts, p = [hour(day, HOUR_OF_DAY) for day in days], self.late.pipeline
        log_predictions(p, starts, only_due=True)
        join_predictions(p, starts, only_due=True)
        measure_hours(p, starts, only_due=True)
        measure_drift(p, Grain.HOUR, starts, only_due=True)
        judge_windows(p, Grain.HOUR, starts, only_due=True)

    def compute(self, *days: int, at: int = LONG_AFTER, only_due: bool = True) -> StageReport:
        """Bring days up to date in the order of the assets."""
        self.late.clock.now = at
        self.hours(days)
        starts, p = [hour(day) for day in days], self.late.pipeline
        merge_days(p, starts, only_due=only_due)
        measure_drift(p, Grain.DAY, starts, only_due=only_due)
        report = measure_truth_drift(p, starts, only_due=only_due)
        judge_windows(p, Grain.DAY, starts, only_due=only_due)
        assert report.failures == (), report.failures
        return report

    def rows(self, day: int | None = None) -> list[Row]:
        """The standing rows of days."""
        found = self.table(drift_results)
        standing = [row for row in found if row["known_to"] is None and row["grain"] == "day"]
        return [row for row in standing if day is None or row["window_start"] == hour(day)]

    def verdict(self, day: int, feature: str, measure: str = "overall") -> Row:
        [row] = [r for r in self.rows(day) if (r["feature"], r["measure"]) == (feature, measure)]
        return row

    def table(self, table: Any) -> list[Row]:
        with reading(self.late.engine) as connection:
            return sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)


def said_of(x: float) -> Row:
    return {"predicted_value": 2.0 * x}


CONCEPT, ACTUAL, STREAM = "(error at equal inputs)", "(actual)", "(error row by row)"
SETTINGS = {"alpha": 0.01, "detectors": ["cusum"]}
RULES = [
    {"id": "relation", "metric": "concept_drift", "above": 0},
    {"id": "truth", "metric": "label_drift", "above": 0},
]


def maker_of(engine: Engine, folder: Path, clock: FixedClock) -> Callable[..., World]:
    """Makes a world with a reference file of usual rows, unless another reference is declared."""
    file = folder / "reference.parquet"
    write_reference(file, usual)

    def world(*, reference: Mapping[str, Any] | None = None, **model: Any) -> World:
        declared = {"features": FEATURES, "drift": SETTINGS, "rules": RULES, **model}
        return World(late=LateTruth(engine, folder, clock, reference=reference or {"file": str(file)}, **declared))

    return world


def write_reference(path: Path, truth: Truth, *, rows: int = 3000) -> None:
    rng = np.random.default_rng(99)
    x = rng.normal(size=rows)
    columns = {"x": x, "kind": rng.choice(["a", "b", "c"], size=rows), "predicted_value": 2.0 * x}
    pq.write_table(pa.table({**columns, "actual_value": truth(x, rng)}), path)
