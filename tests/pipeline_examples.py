"""A small installation, its events, and readers of all that it leaves: shared by the tests of the pipeline.

Two models: ``delay`` (regression, split by carrier) and ``late`` (yes/no with a probability). Every event brings
its own knowledge time, so that homes which were fed in different ways can be equal to the last bit.
"""

import hashlib
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Table, select

from assets.instance import open_instance
from assets.reconcile import QUIET, ReconcileReport, reconcile
from monitoring_pipeline.alerts.tables import alerts, findings, notifications
from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.database import open_engine, reading
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.storing.report import IngestReport
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.lake.tables import partition_ledger
from monitoring_pipeline.migrations import upgrade
from monitoring_pipeline.results.tables import drift_results, metrics, performance_sums, quality_results
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, isoformat
from tests.shared_statements import sharing_statements

Event = dict[str, Any]

START = 1_740_960_000_000_000  # 2025-03-03T00:00:00Z, a Monday; Dagster knows no partitions of the future
LONG_AFTER = START + 20 * DAY_MICROS  # every label has come of age

HOUR_JOB, DAY_JOB = "hourly_monitoring", "daily_monitoring"

CONFIG = """\
start: {start}
end: 2025-03-13T00:00:00Z
mlflow_url: http://127.0.0.1:9  # nobody answers there: these tests are not about MLflow
debounce_seconds: {debounce_seconds}
{store}
channels:
  file: {{type: file, path: notifications.ndjson}}
models:
  - id: delay
    task: regression
    features: &features
      distance: {{type: numeric, min: 0}}
      carrier: {{type: categorical, nullable: false}}
    segments: [carrier]
    labels: &labels {{expected_delay: PT6H, maturity: PT24H, min_coverage: 0.8}}
    reference: &reference {{file: reference.parquet}}
    drift: &drift {{min_samples: 6, alpha: 0.01}}
    channels: [file]
    rules:
      - {{id: mae-of-the-hour, metric: mae, above: 6, grain: hour, min_labelled: 3, segments: ["all", "carrier=*"]}}
      - {{id: mae-of-the-day, metric: mae, above: 5, severity: critical}}
      - {{id: inputs-moved, metric: drifted_features, above: 0, grain: hour, min_labelled: 0}}
  - id: late
    task: binary
    features: *features
    labels: *labels
    reference: *reference
    drift: *drift
    channels: [file]
    rules:
      - {{id: log-loss-of-the-hour, metric: log_loss, above: 0.7, grain: hour, min_labelled: 3}}
      - {{id: truth-is-missing, metric: coverage, below: 0.9, min_labelled: 0}}
"""


def open_home(
    folder: Path,
    *,
    clock: Clock,
    store_url: str | None = None,
    debounce_seconds: int = 60,
    start: str = isoformat(START),
) -> Installation:
    """A fresh installation in ``folder``, with its config and the reference for drift."""
    home = Home(root=folder).ensure()
    store = "" if store_url is None else f"store_url: {store_url}"
    config_file = folder / "monitoring.yaml"
    config_file.write_text(CONFIG.format(start=start, store=store, debounce_seconds=debounce_seconds))
    _write_reference(folder / "reference.parquet")
    engine = sharing_statements(open_engine(store_url or home.store_url))
    upgrade(engine)
    return Installation(config=load_config(config_file), config_file=config_file, home=home, engine=engine, clock=clock)


def _write_reference(path: Path) -> None:
    rng = random.Random(7)
    rows = [_features(rng) for _ in range(400)]
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in rows[0]}), path)


def _features(rng: random.Random) -> Event:
    return {"distance": round(rng.uniform(100, 2000), 1), "carrier": rng.choice(["AA", "DL", "UA"])}


def history(hours: Iterable[int], *, rows: int = 8) -> tuple[list[Event], list[Event]]:
    """Predictions and actuals of both models for the hours (numbered from START): a tenth never gets its truth.

    The same hours always get the same events, whatever other hours are asked for.
    """
    predictions, actuals = [], []
    for hour in hours:
        rng = random.Random(hour)
        for row in range(rows):
            at = START + hour * HOUR_MICROS + row * HOUR_MICROS // rows
            features = _features(rng)
            wild = 3 if hour % 7 == 3 else 1  # some hours are bad, so that rules are broken
            for prediction, actual in _pair(rng, f"{hour:03}-{row}", at, features, wild):
                predictions.append(prediction)
                if rng.random() < 0.9:
                    actuals.append(actual)
    return predictions, actuals


def _pair(rng: random.Random, prediction_id: str, at: int, features: Event, wild: int) -> Iterator[tuple[Event, Event]]:
    value, probability = rng.gauss(10, 5), rng.random()
    common = {
        "prediction_id": prediction_id,
        "timestamp": isoformat(at),
        "model_version": "1",
        "received_at": isoformat(at + 1_000_000),
        "features": features,
    }
    truth = {"delay": value + rng.gauss(0, 4 * wild), "late": int(rng.random() < (probability if wild == 1 else 0.5))}
    yield (
        {**common, "model_id": "delay", "predicted_value": value},
        actual_of("delay", prediction_id, truth["delay"], at=at + 2 * HOUR_MICROS),
    )
    yield (
        {**common, "model_id": "late", "predicted_value": int(probability >= 0.5), "prediction_proba": probability},
        actual_of("late", prediction_id, truth["late"], at=at + 2 * HOUR_MICROS),
    )


def actual_of(model_id: str, prediction_id: str, value: float, *, at: int) -> Event:
    """An actual that is observed at an instant, and known a minute later."""
    return {
        "model_id": model_id,
        "prediction_id": prediction_id,
        "actual_value": value,
        "timestamp": isoformat(at),
        "received_at": isoformat(at + 60_000_000),
    }


def ingest(installation: Installation, *, predictions: Sequence[Event] = (), actuals: Sequence[Event] = ()) -> None:
    """Land events; none of them may be refused."""
    for kind, events in ((Kind.PREDICTIONS, predictions), (Kind.ACTUALS, actuals)):
        if events:
            report = _ingest(installation, kind, events)
            assert report.rejected == 0, report.reasons


def _ingest(installation: Installation, kind: Kind, events: Sequence[Event]) -> IngestReport:
    return ingest_rows(
        installation.engine, events, kind=kind, config=installation.config, clock=installation.clock, source="test"
    )


@contextmanager
def dagster_instance(installation: Installation) -> Iterator[dg.DagsterInstance]:
    """The product's own Dagster instance, on SQLite files under the installation's home.

    ``dg.DagsterInstance.ephemeral()`` is as real, keeps its SQLite database in memory, and is quicker: most of
    a run on files is Dagster's own event log being synced.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("DAGSTER_HOME", raising=False)
        with open_instance(installation.home) as instance:
            yield instance


def run_due(installation: Installation, instance: dg.DagsterInstance) -> ReconcileReport:
    """What ``monitor reconcile`` does."""
    return reconcile(build_definitions(installation), installation, instance)


def run_job(
    installation: Installation,
    instance: dg.DagsterInstance,
    job_name: str,
    *,
    partition_key: str | None = None,
    tags: dict[str, str] | None = None,
    assets: Sequence[str] = (),
    raise_on_error: bool = True,
    run_config: dict[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job of the real definitions, or some of its assets, quietly."""
    job = build_definitions(installation).resolve_job_def(job_name)
    return job.execute_in_process(
        instance=instance,
        partition_key=partition_key,
        tags=tags,
        asset_selection=[dg.AssetKey(name) for name in assets] or None,
        run_config={**QUIET, **(run_config or {})},
        raise_on_error=raise_on_error,
    )


def resources_of(installation: Installation) -> dict[str, Any]:
    """What sensors ask for."""
    return {"pipeline": installation.pipeline, "tracking": installation.tracking}


def sensor_results(
    sensor: dg.SensorDefinition, context: dg.SensorEvaluationContext | dg.RunStatusSensorContext
) -> list[dg.RunRequest | dg.SkipReason]:
    """What one tick of a sensor gives, whether it returns or yields."""
    answer = sensor(context)
    results = [answer] if isinstance(answer, dg.RunRequest | dg.SkipReason) else list(cast("Iterable[Any]", answer))
    assert all(isinstance(result, dg.RunRequest | dg.SkipReason) for result in results)
    return results


def ledger_rows(installation: Installation) -> dict[tuple[str, str, int], dict[str, Any]]:
    """The ledger by dataset, model and window."""
    rows = _rows(installation, partition_ledger)
    return {(row["dataset"], row["model_id"], row["window_start"]): row for row in rows}


def files_of(installation: Installation) -> dict[str, int]:
    """Each file of the lake and when it was written, in nanoseconds."""
    root = installation.home.lake
    return {path.relative_to(root).as_posix(): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def table_rows(installation: Installation, name: str) -> list[dict[str, Any]]:
    """All rows of a result table, in an order of our own."""
    return _rows(installation, _RESULTS[name])


def final_state(installation: Installation, *, estimates: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """What stands now, to the last bit: files, sums, results, findings, active alerts, messages.

    Revisions and knowledge times are left out: they say how a state was reached, not what it is. Of the estimates the
    ledger's checksums are compared; an estimator learns from what is known when it is asked, so a history in several
    steps is compared without them.
    """
    ledger = [
        (key, row["path"], row["checksum"], row["row_count"])
        for key, row in sorted(ledger_rows(installation).items())
        if estimates or key[0] != "daily_estimates"
    ]
    results = {name: _standing(installation, table) for name, table in _RESULTS.items()}
    active = [
        (row["alert_id"], row["state"], row["value"], row["labelled_count"])
        for row in _rows(installation, alerts)
        if row["state"] not in ("retracted", "withdrawn")
    ]
    return {"ledger": ledger, **results, "alerts": sorted(active)}


def fingerprint(installation: Installation) -> str:
    """A hash of all that stands and of all that was told: two homes are equal if theirs are."""
    content = repr((final_state(installation), messages_of(installation)))
    return hashlib.sha256(content.encode()).hexdigest()


def fingerprint_of_fresh_home(folder: Path, hours: int) -> str:
    """Fill a home and bring it up to date; for processes of their own."""
    installation = open_home(folder, clock=lambda: LONG_AFTER)
    predictions, actuals = history(range(hours))
    ingest(installation, predictions=predictions, actuals=actuals)
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(installation, instance)
    return fingerprint(installation)


def messages_of(installation: Installation) -> list[tuple[Any, ...]]:
    """The ids and contents of all notifications, without the ingest batches behind them, whose ids are random."""
    told = ((row["notification_id"], json.loads(row["payload"])) for row in _rows(installation, notifications))
    return sorted((name, repr([item for item in payload.items() if item[0] != "causes"])) for name, payload in told)


_RESULTS: dict[str, Table] = {
    "sums": performance_sums,
    "metrics": metrics,
    "drift": drift_results,
    "quality": quality_results,
    "findings": findings,
}


def _standing(installation: Installation, table: Table) -> list[tuple[Any, ...]]:
    rows = (row for row in _rows(installation, table) if row.get("known_to") is None)
    return [tuple((name, value) for name, value in row.items() if not name.startswith("known_")) for row in rows]


def _rows(installation: Installation, table: Table) -> list[dict[str, Any]]:
    with reading(installation.engine) as connection:
        rows = [dict(row) for row in connection.execute(select(table)).mappings()]
    return sorted(rows, key=repr)
