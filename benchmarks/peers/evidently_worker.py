"""Evidently's default verdicts on given windows: ``python evidently_worker.py REQUEST.json``, in its own environment.

Per column, as DataDriftPreset decides without being told anything: which test, by the rows of the reference and the
column's distinct values, and that test's own threshold. A report costs about 25 ms per column beside the test, so the
tests are called as the preset calls them, and the first window of each file is also given to the preset: the two must
agree. It neither imports this project nor says anything to anyone: telemetry is switched off.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["DO_NOT_TRACK"] = "1"  # asked by its telemetry module
os.environ["EVIDENTLY_DISABLE_TELEMETRY"] = "1"  # asked by its older parts

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from evidently.metrics import ValueDrift
from evidently.presets import DataDriftPreset

SPEED_METHODS = {
    "numeric": ("ks", "wasserstein", "psi", "jensenshannon"),
    "categorical": ("chisquare", "psi", "jensenshannon"),
}


def series(kind: str, values: Any) -> "pd.Series[Any]":
    """One column as a user would hold it: numbers, or text with missing values."""
    if kind == "numeric":
        return pd.Series(values)
    return pd.Series([None if np.isnan(code) else f"c{int(code):03}" for code in values], dtype=object)


def first_alarms(job: dict[str, str]) -> dict[str, list[list[int]]]:
    """Per column, reference and stream: the first window that is called drifted, counted from 1; 0 for none."""
    found: dict[str, list[list[int]]] = {}
    with np.load(job["reference"]) as references, np.load(job["windows"]) as windows:
        for key in windows.files:
            kind, column_type = key.partition(":")[0], _column_type(key)
            found[key] = []
            for number, (of_reference, streams) in enumerate(zip(references[key], windows[key], strict=True)):
                reference = series(kind, of_reference).dropna()
                if number == 0:
                    _agree(key, reference, series(kind, streams[0][0]))
                found[key].append([_first(kind, column_type, reference, stream) for stream in streams])
    return found


def _first(kind: str, column_type: Any, reference: "pd.Series[Any]", stream: Any) -> int:
    for index, values in enumerate(stream, start=1):
        current = series(kind, values).dropna()
        if get_stattest(reference, current, column_type, None)(reference, current, column_type, None).drifted:
            return index
    return 0


def _agree(key: str, reference: "pd.Series[Any]", current: "pd.Series[Any]") -> None:
    """The preset's own score equals the one that is judged here."""
    column_type, current = _column_type(key), current.dropna()
    test = get_stattest(reference, current, column_type, None)
    snapshot = Report([DataDriftPreset()]).run(_dataset(key, current), _dataset(key, reference)).dict()
    score = next(m["value"] for m in snapshot["metrics"] if m["metric_name"].startswith("ValueDrift"))
    ours = test(reference, current, column_type, None).drift_score
    if not np.isclose(score, ours, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise RuntimeError(f"{key}: the preset says {score}, its test {ours}")


def _column_type(key: str) -> Any:
    return ColumnType.Numerical if key.startswith("numeric") else ColumnType.Categorical


def _dataset(key: str, values: "pd.Series[Any]") -> Any:
    names = {"numerical_columns": [key]} if key.startswith("numeric") else {"categorical_columns": [key]}
    return Dataset.from_pandas(pd.DataFrame({key: values.to_numpy()}), data_definition=DataDefinition(**names))


def speed(job: dict[str, str]) -> dict[str, float]:
    """CPU seconds for every measure of every column and day; frames are made before the clock starts."""
    frames = {name: pd.read_parquet(job[name]) for name in ("reference", "windows")}
    day = frames["windows"].pop("day")
    columns = list(frames["reference"].columns)
    kinds = {name: "categorical" if name.startswith("category") else "numeric" for name in columns}
    definition = DataDefinition(
        numerical_columns=[name for name in columns if kinds[name] == "numeric"],
        categorical_columns=[name for name in columns if kinds[name] == "categorical"],
    )
    days = [frame for _, frame in frames["windows"].groupby(day)]
    started = time.process_time()
    reference = Dataset.from_pandas(frames["reference"], data_definition=definition)
    report = Report(
        [ValueDrift(column=name, method=method) for name in columns for method in SPEED_METHODS[kinds[name]]]
    )
    values = 0
    for frame in days:
        snapshot = report.run(Dataset.from_pandas(frame, data_definition=definition), reference)
        values += len(snapshot.dict()["metrics"])
    return {"seconds": time.process_time() - started, "values": values, "days": len(days)}


def main(path: str) -> None:
    """Do each job of the request."""
    for job in json.loads(Path(path).read_text(encoding="utf-8")):
        answer = speed(job) if job["what"] == "speed" else first_alarms(job)
        Path(job["output"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
