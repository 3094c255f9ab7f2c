"""The page on drift does what it says: its reference is made, its model watched, its commands and Python run."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from monitoring_pipeline.cli.drift import VERDICTS
from monitoring_pipeline.cli.main import app
from monitoring_pipeline.clock import system_clock
from monitoring_pipeline.drift.verdict import DriftReason, DriftType, DriftVerdict
from monitoring_pipeline.drift_monitor import DriftMonitor
from monitoring_pipeline.events.ingest import ingest_rows
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.stages.drifting.drift import measure_drift
from monitoring_pipeline.stages.rows.logged import log_predictions
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor, isoformat

PAGE = (Path(__file__).parent.parent / "docs" / "how-to" / "drift.md").read_text(encoding="utf-8")
PER_DAY = 120
DAYS = 60

Rows = dict[str, list[Any]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def rows_of(instants: list[int], *, seed: int, income: float) -> Rows:
    """Rows as a model of churn may see them; of the other inputs nothing ever changes."""
    rng = np.random.default_rng(seed)
    count = len(instants)
    return {
        "predicted_at": instants,
        "income": rng.normal(income, 1, count).tolist(),
        "age": rng.uniform(20, 60, count).tolist(),
        "plan": rng.choice(["basic", "full"], count).tolist(),
        "comment": [" ".join(words) for words in rng.choice(["late", "parcel", "refund", "thanks"], (count, 5))],
        "booked_at": [
            isoformat(at - round(days * DAY_MICROS))
            for at, days in zip(instants, rng.exponential(20, count), strict=True)
        ],
        "embedding": rng.normal(size=(count, 3)).round(3).tolist(),
        "region": rng.choice(["north", "south"], count).tolist(),
        "prediction_proba": rng.beta(2, 5, count).tolist(),
    }


def events_of(rows: Rows) -> Iterator[dict[str, Any]]:
    names = [name for name in rows if name not in ("predicted_at", "region", "prediction_proba")]
    for i, at in enumerate(rows["predicted_at"]):
        yield {
            "model_id": "churn",
            "model_version": "2",
            "prediction_id": str(i),
            "timestamp": isoformat(at),
            "predicted_value": int(rows["prediction_proba"][i] >= 0.5),
            "prediction_proba": rows["prediction_proba"][i],
            "region": rows["region"][i],
            "features": {**{name: rows[name][i] for name in names}, "ticket": i},
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the page was followed: yesterday the incomes were higher than in the sixty days before."""
    folder = tmp_path_factory.mktemp("page")
    yesterday = floor(system_clock(), Grain.DAY) - DAY_MICROS
    step = DAY_MICROS // PER_DAY
    before = rows_of(list(range(yesterday - DAYS * DAY_MICROS, yesterday, step)), seed=1, income=0)
    frame = pd.DataFrame({**before, "predicted_at": pd.to_datetime(before["predicted_at"], unit="us", utc=True)})
    frame.to_parquet(folder / "training.parquet")
    [config] = blocks("yaml")
    (folder / "monitoring.yaml").write_text(config, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MONITOR_HOME", str(folder / "home"))
        patch.delenv("MONITOR_CONFIG", raising=False)
        exec(blocks("python")[0], {})
        installation = open_installation()
        events = list(events_of(rows_of(list(range(yesterday, yesterday + DAY_MICROS, step)), seed=2, income=2)))
        report = ingest_rows(installation.engine, events, kind=Kind.PREDICTIONS, config=installation.config)
        assert report.rejected == 0, report.reasons
        compute(installation, yesterday)
        yield folder
        installation.engine.dispose()


def compute(installation: Installation, day: int) -> None:
    log_predictions(installation.pipeline, range(day, day + DAY_MICROS, HOUR_MICROS))
    assert measure_drift(installation.pipeline, Grain.DAY, [day]).failures == ()


def results_of(arguments: list[str]) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


@pytest.mark.parametrize("line", blocks("sh")[0].splitlines())
@pytest.mark.usefixtures("folder")
def test_each_command_prints_what_stands(line: str) -> None:
    program, *arguments = [word for word in shlex.split(line, comments=True) if word != "--json"]

    rows = results_of(arguments)

    assert program == "monitor"
    assert rows


@pytest.mark.usefixtures("folder")
def test_what_is_compared_is_called_as_the_page_calls_it() -> None:
    rows = results_of(["drift", "--model", "churn", "--segment", "all"])

    named = set(re.findall(r"`((?:comment|embedding|booked_at): [a-z_]+)`", PAGE))
    assert {row["feature"] for row in rows if ": " in row["feature"]} == named
    assert {"(inputs together)", "(ties between inputs)", "(prediction)"} <= {row["feature"] for row in rows}
    assert {row["feature"] for row in rows if row["verdict"] == "drift"} == {"income", "(inputs together)"}
    assert "ticket" not in {row["feature"] for row in rows}


def test_the_python_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (folder / "reference.parquet").exists()
    names: dict[str, Any] = {}

    for code in blocks("python")[1:]:
        exec(code, names)

    assert "data_drift income drift" in capsys.readouterr().out
    assert isinstance(names["monitor"], DriftMonitor)
    assert isinstance(names["results"], list)


def test_the_verdicts_that_are_explained_are_those_that_are_printed() -> None:
    [(header, rows)] = re.findall(r"^\| (type \| feature .*) \|\n\|[-|]+\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    cells = [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows.splitlines()]

    assert set(header.split(" | ")) < {column.heading for column in VERDICTS}
    assert {(DriftType(row[0]), DriftVerdict(row[2]), DriftReason(row[3])) for row in cells}
