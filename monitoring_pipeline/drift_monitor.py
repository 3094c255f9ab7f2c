"""Drift of the last hours, asked for from Python: a model, a look-back, and what moved.

    from monitoring_pipeline.drift_monitor import DriftMonitor

    monitor = DriftMonitor.open("monitoring.yaml")
    monitor.initialize_reference_data("reference.parquet")  # or the reference that the config declares
    for result in monitor.run_drift_detection("flight_delay", hours_lookback=24):
        print(result.drift_type, result.feature, result.verdict, result.drift_score)

It reads the events as they are stored now, also those of the present hour, and stores nothing: the same verdicts for
whole hours and days, kept and alerted on, are the pipeline's. Of truth it takes what is known now: labels that come
early need not be like those that come late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow as pa

from monitoring_pipeline.clock import Clock, system_clock
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.config.problems import allowed_values
from monitoring_pipeline.database import reading
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftReason, DriftType, DriftVerdict
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.results.write import Row
from monitoring_pipeline.stages.drifting.handed_in import Columns, table_of
from monitoring_pipeline.stages.drifting.lookback import look_back
from monitoring_pipeline.stages.drifting.reference_rows import ReferenceRows, file_reference, given_rows
from monitoring_pipeline.stages.measuring.groups import ALL
from monitoring_pipeline.stages.models import declaration, undeclared_models
from monitoring_pipeline.windows import HOUR_MICROS, isoformat


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftResult:
    """What became of one feature, one output of the model, all inputs together, the truth, or its relation to them.

    Attributes:
        drift_type: what moved: inputs, predictions, truth, or the relation between them.
        feature: the input; everything else is in parentheses.
        model_version: of the model.
        environment: where it ran.
        verdict: drift, no drift, or not enough data.
        reason: why.
        drift_score: the largest change in units of the smallest one that counts: from 1 on it matters, if the
            evidence says it is real; ``None`` if nothing could be measured.
        led_by: the measure that the score comes from.
        q_value: the false discovery rate at which it is called drifted; ``None`` without evidence.
        detectable: the smallest score that this window would have shown in 80 % of cases; ``None`` if none.
        n_window: present values of the window; of truth, the rows whose label is known.
        n_reference: present values of the reference.
    """

    drift_type: DriftType
    feature: str
    model_version: str
    environment: str
    verdict: DriftVerdict
    reason: DriftReason
    drift_score: float | None
    led_by: str | None
    q_value: float | None
    detectable: float | None
    n_window: int
    n_reference: int

    @property
    def is_drift_detected(self) -> bool:
        """Whether the verdict is drift; what had not enough data is neither drifted nor healthy."""
        return self.verdict is DriftVerdict.DRIFT


class DriftMonitor:
    """Drift of a model's last hours against its reference.

    Args:
        installation: the config, the store and the clock.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._reference: ReferenceRows | None = None

    @classmethod
    def open(cls, config: str | Path | None = None, *, clock: Clock = system_clock) -> "DriftMonitor":
        """A monitor on an installation.

        Args:
            config: the config file; the environment and the working directory decide where it is left out.
            clock: what time it is.

        Raises:
            MonitorError: if the config is wrong or the store cannot be used.
        """
        return cls(open_installation(None if config is None else Path(config), clock=clock))

    def initialize_reference_data(self, reference: str | Path | pa.Table | Columns) -> None:
        """Compare with these rows from now on, instead of the reference that the config declares.

        Args:
            reference: a Parquet file, an Arrow table, a pandas frame, or columns by name; named as the features.
                Further columns that count: ``predicted_at``, ``predicted_value``, ``prediction_proba``,
                ``predicted_class``, ``confidence``, the fields of the segments, and for drift that needs labels
                ``actual_value`` or ``actual_class``.

        Raises:
            MonitorError: if the file cannot be read, or the columns make no table.
        """
        if isinstance(reference, str | Path):
            self._reference = file_reference(Path(reference).resolve())
        else:
            self._reference = given_rows(reference if isinstance(reference, pa.Table) else table_of(reference))

    def run_drift_detection(self, deployment_id: str, *, hours_lookback: int = 24) -> list[DriftResult]:
        """What moved in the last hours, one result per feature and output of each version and environment.

        Inputs together are among them if the model's declaration asks for it (``drift.multivariate``), truth and its
        relation to the inputs if the reference has truth; with too few labels they are not enough data.

        Args:
            deployment_id: the model; ``model@version`` for one version of it.
            hours_lookback: how many hours back from now; the present one counts as far as it has come.

        Raises:
            ValueError: if ``hours_lookback`` is below 1.
            MonitorError: if nobody declared the model or logged a prediction of it, there is no reference or it lacks
                a feature, or there were no predictions in these hours.
        """
        if hours_lookback < 1:
            raise ValueError(f"hours_lookback is {hours_lookback}; look back at least one hour")
        model, version = self._deployment(deployment_id)
        end = self._installation.clock()
        start = end - hours_lookback * HOUR_MICROS
        rows = look_back(self._installation.pipeline, model, start=start, end=end, reference=self._reference)
        if not rows:
            raise MonitorError(
                f"{model.id} has no predictions between {isoformat(start)} and {isoformat(end)}; look back further, or "
                "see with 'monitor labels' when the last ones came"
            )
        return [_result(row) for row in _of_version(rows, model.id, version)]

    def _deployment(self, deployment_id: str) -> tuple[Model, str | None]:
        """The model and perhaps a version of it; a model may have an @ in its name."""
        config = self._installation.config
        with reading(self._installation.engine) as connection:
            known = {*(model.id for model in config.models), *undeclared_models(connection, config)}
            model_id, version = deployment_id, None
            if model_id not in known and "@" in deployment_id:
                model_id, _, version = deployment_id.rpartition("@")
            if model_id not in known:
                raise MonitorError(f"there is no model {model_id!r}; {allowed_values(model_id, sorted(known))}")
            model = declaration(connection, config, model_id)
        self._check_reference(model)
        return model, version

    def _check_reference(self, model: Model) -> None:
        if model.reference is None and self._reference is None:
            raise MonitorError(
                f"{model.id} declares no reference to measure drift against; declare one in the config, or give one to "
                "initialize_reference_data"
            )


def _of_version(rows: Sequence[Row], model_id: str, version: str | None) -> list[Row]:
    """The verdicts on whole versions: of one, or of all."""
    overall = [row for row in rows if row["measure"] == Measure.OVERALL.value and row["segment"] == ALL]
    seen = sorted({row["model_version"] for row in overall})
    if version is not None and version not in seen:
        raise MonitorError(
            f"{model_id} has no predictions of version {version!r} in these hours; {allowed_values(version, seen)}"
        )
    return [row for row in overall if version in {None, row["model_version"]}]


def _result(row: Row) -> DriftResult:
    detail = row["detail"]
    return DriftResult(
        drift_type=DriftType(row["drift_type"]),
        feature=row["feature"],
        model_version=row["model_version"],
        environment=row["environment"],
        verdict=DriftVerdict(row["verdict"]),
        reason=DriftReason(row["reason"]),
        drift_score=row["value"],
        led_by=None if detail is None else orjson.loads(detail)["led_by"],
        q_value=row["q_value"],
        detectable=row["detectable"],
        n_window=row["n_window"],
        n_reference=row["n_reference"],
    )
