"""Drift when declarations and references are not what the hours hold: one model's trouble stays its own."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from monitoring_pipeline.config.models import Reference
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import OutcomeState, StageReport
from monitoring_pipeline.windows import HOUR_MICROS
from tests.pipeline_examples import (
    LONG_AFTER,
    START,
    history,
    ingest,
    ledger_rows,
    open_home,
    run_due,
    table_rows,
)
from tests.stage_runs import declared, run_day, run_hours, with_models

NUMERIC_CARRIER = {
    "distance": {"type": "numeric", "min": 0},
    "carrier": {"type": "numeric"},
}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, actuals = history([0, 1])
    ingest(installation, predictions=predictions, actuals=actuals)
    yield installation
    installation.engine.dispose()


def drift_of(installation: Installation, model_id: str, hour: int = 0) -> list[dict[str, Any]]:
    start = START + hour * HOUR_MICROS
    rows = table_rows(installation, "drift")
    return [r for r in rows if (r["model_id"], r["window_start"], r["known_to"]) == (model_id, start, None)]


def write_reference(installation: Installation, name: str, carrier: list[Any]) -> None:
    columns = {"distance": [float(i) for i in range(len(carrier))], "carrier": carrier}
    pq.write_table(pa.table(columns), installation.home.root / name)


def with_reference(installation: Installation, model_id: str, reference: dict[str, str], **changes: object) -> Pipeline:
    others = [model for model in installation.config.models if model.id != model_id]
    return with_models(installation, declared(installation, model_id, reference=reference, **changes), *others)


def states(report: StageReport) -> dict[tuple[str, int], OutcomeState]:
    return {(o.model_id, (o.window_start - START) // HOUR_MICROS): o.state for o in report.outcomes}


def test_text_that_is_not_a_number_is_missing_once_the_feature_is_declared_numeric(installation: Installation) -> None:
    run_hours(installation.pipeline, [0, 1])
    write_reference(installation, "numbers.parquet", [1.0, 2.0] * 50)
    pipeline = with_reference(installation, "delay", {"file": "numbers.parquet"}, features=NUMERIC_CARRIER)

    report = run_day(pipeline)["daily_drift"]

    assert report.failures == ()
    rows = [r for r in table_rows(installation, "drift") if r["grain"] == "day" and r["model_id"] == "delay"]
    found = {r["measure"]: r for r in rows if r["feature"] == "carrier"}
    assert (found["ks"]["verdict"], found["ks"]["reason"], found["ks"]["n_window"]) == (
        "not_enough_data",
        "all_missing",
        0,
    )
    assert (found["overall"]["verdict"], found["missing_rate"]["value"]) == ("drift", 1.0)


def test_numbers_that_were_logged_as_text_are_numbers_again(tmp_path: Path) -> None:
    installation = open_home(tmp_path, clock=lambda: LONG_AFTER)
    predictions, _ = history([0], rows=20)
    ingest(
        installation,
        predictions=[{**p, "features": {"distance": 1.0, "carrier": str(i)}} for i, p in enumerate(predictions)],
    )
    run_hours(installation.pipeline, [0])
    write_reference(installation, "numbers.parquet", [float(i) for i in range(40)])
    pipeline = with_reference(installation, "delay", {"file": "numbers.parquet"}, features=NUMERIC_CARRIER)

    run_day(pipeline)

    rows = [r for r in table_rows(installation, "drift") if r["grain"] == "day" and r["model_id"] == "delay"]
    assert {r["n_window"] for r in rows if r["feature"] == "carrier"} == {20}
    installation.engine.dispose()


def test_a_reference_column_of_the_wrong_type_is_named_without_its_values(installation: Installation) -> None:
    write_reference(installation, "words.parquet", ["Rosebud"] * 50)
    pipeline = with_reference(installation, "delay", {"file": "words.parquet"}, features=NUMERIC_CARRIER)

    (failure,) = run_hours(pipeline, [0, 1])["hourly_drift"].failures

    assert isinstance(failure.error, MonitorError)
    assert all(word in failure.sentence for word in ("column carrier", "words.parquet", "model delay", "numeric"))
    assert "Rosebud" not in failure.sentence


def test_a_missing_reference_stops_the_drift_of_its_own_model_alone(installation: Installation) -> None:
    pipeline = with_reference(installation, "delay", {"file": "nowhere.parquet"})

    reports = run_hours(pipeline, [0, 1])

    failed, computed = OutcomeState.FAILED, OutcomeState.COMPUTED
    assert states(reports["hourly_drift"]) == {
        ("delay", 0): failed, ("delay", 1): failed, ("late", 0): computed, ("late", 1): computed,
    }  # fmt: skip
    assert drift_of(installation, "late")
    assert not drift_of(installation, "delay")


def test_rules_that_need_no_drift_are_judged_and_the_window_stays_due_until_drift_is_measured(
    installation: Installation,
) -> None:
    run_hours(with_reference(installation, "delay", {"file": "nowhere.parquet"}), [0, 1])

    judged = {row["rule_id"] for row in table_rows(installation, "findings") if row["model_id"] == "delay"}
    assert judged == {"mae-of-the-hour"}
    assert {model for dataset, model, _ in ledger_rows(installation) if dataset == "hourly_findings"} == {"late"}

    run_hours(installation.pipeline, [0, 1])

    judged = {row["rule_id"] for row in table_rows(installation, "findings") if row["model_id"] == "delay"}
    assert judged == {"mae-of-the-hour", "inputs-moved"}
    assert {model for dataset, model, _ in ledger_rows(installation) if dataset == "hourly_findings"} == {
        "delay",
        "late",
    }


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_a_reconciliation_computes_the_other_models_and_then_fails_with_the_reason(installation: Installation) -> None:
    (installation.home.root / "reference.parquet").rename(installation.home.root / "kept.parquet")
    broken = replace(installation, config=with_reference(installation, "late", {"file": "kept.parquet"}).config)

    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(MonitorError, match=r"still due: .*model delay: the reference file .*reference\.parquet"),
    ):
        run_due(broken, instance)

    ledger = ledger_rows(installation)
    assert {model for dataset, model, _ in ledger if dataset == "daily_findings"} == {"late"}
    assert {model for dataset, model, _ in ledger if dataset == "hourly_performance"} == {"delay", "late"}

    (installation.home.root / "kept.parquet").rename(installation.home.root / "reference.parquet")
    with dg.DagsterInstance.ephemeral() as instance:
        report = run_due(installation, instance)

    assert report.runs == 2
    assert {model for dataset, model, _ in ledger_rows(installation) if dataset == "daily_findings"} == {
        "delay",
        "late",
    }


def test_a_reference_window_without_rows_is_said_to_be_empty(installation: Installation) -> None:
    empty = {"start": "2025-03-02T00:00:00Z", "end": "2025-03-03T00:00:00Z"}

    report = run_hours(with_reference(installation, "delay", empty), [0, 1])["hourly_drift"]

    assert {o.details["reference"] for o in report.outcomes if o.model_id == "delay"} == {"declared, but empty"}
    rows = drift_of(installation, "delay")
    assert {(r["verdict"], r["reason"]) for r in rows} == {("not_enough_data", "too_few_reference_rows")}
    assert {r["feature"] for r in rows} == {"distance", "carrier"}


@pytest.mark.parametrize("start", ["2025-03-02T00:30:00Z", "2025-03-02T00:00:01Z"])
def test_a_reference_window_is_made_of_whole_hours(start: str) -> None:
    with pytest.raises(ValidationError, match="not a whole hour"):
        Reference.model_validate({"start": start, "end": "2025-03-03T00:00:00Z"})


def test_a_rule_is_judged_by_the_drift_that_stands_while_it_cannot_be_measured_anew(installation: Installation) -> None:
    run_hours(installation.pipeline, [0, 1])
    judged = [row for row in table_rows(installation, "findings") if row["rule_id"] == "inputs-moved"]

    run_hours(with_reference(installation, "delay", {"file": "nowhere.parquet"}), [0, 1], only_due=False)

    assert [row for row in table_rows(installation, "findings") if row["rule_id"] == "inputs-moved"] == judged
    assert judged
