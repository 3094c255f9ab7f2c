"""NannyML's default verdicts on given windows: ``python nannyml_worker.py REQUEST.json``, in its own environment.

UnivariateDriftCalculator without a method or threshold named: Jensen-Shannon distance, against the mean plus three
standard deviations of the reference's own chunks of the window's size. It neither imports this project nor says
anything to anyone: usage logging is switched off.
"""

import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
os.environ["NML_DISABLE_USER_ANALYTICS"] = "1"  # asked by its older parts

import nannyml  # type: ignore[import-not-found]  # only in its environment
import numpy as np
import pandas as pd

# It has no PSI: one measure less to compute.
SPEED_METHODS = {
    "continuous_methods": ["kolmogorov_smirnov", "wasserstein", "jensen_shannon"],
    "categorical_methods": ["chi2", "jensen_shannon"],
}

# From 10,000 reference rows on it puts numbers into 10,000 bins unless told otherwise. It looks for the names of the
# methods, but for the setting itself beside them.
EXACT = {"kolmogorov_smirnov": {}, "wasserstein": {}, "calculation_method": "exact"}


def series(kind: str, values: Any) -> "pd.Series[Any]":
    """One column as a user would hold it: numbers, or text with missing values."""
    if kind == "numeric":
        return pd.Series(values)
    return pd.Series([None if np.isnan(code) else f"c{int(code):03}" for code in values], dtype="str")


def first_alarms(job: dict[str, str]) -> dict[str, list[list[int]]]:
    """Per column, reference and stream: the first window that is called drifted, counted from 1; 0 for none."""
    found: dict[str, list[list[int]]] = {}
    with np.load(job["reference"]) as references, np.load(job["windows"]) as windows:
        for key in windows.files:
            found[key] = [
                _of_reference(key, of_reference, streams)
                for of_reference, streams in zip(references[key], windows[key], strict=True)
            ]
    return found


def _of_reference(key: str, reference: Any, streams: Any) -> list[int]:
    kind = key.partition(":")[0]
    count, horizon, rows = streams.shape
    calculator = nannyml.UnivariateDriftCalculator(column_names=[key], chunk_size=rows)
    calculator.fit(pd.DataFrame({key: series(kind, reference)}))
    result = calculator.calculate(pd.DataFrame({key: series(kind, streams.ravel())})).filter(period="analysis")
    alarms = result.to_df()[(key, "jensen_shannon", "alert")].to_numpy(dtype=bool).reshape(count, horizon)
    return [int(stream.argmax()) + 1 if stream.any() else 0 for stream in alarms]


def speed(job: dict[str, str]) -> dict[str, float]:
    """CPU seconds for every measure of every column and day; frames are made before the clock starts."""
    frames = {name: pd.read_parquet(job[name]) for name in ("reference", "windows")}
    columns = list(frames["reference"].columns)
    chunks = frames["windows"]["day"].nunique()
    started = time.process_time()
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=columns,
        chunk_size=len(frames["windows"]) // chunks,
        computation_params=EXACT if job["precision"] == "exact" else None,
        **SPEED_METHODS,
    ).fit(frames["reference"])
    fitted = time.process_time()
    result = calculator.calculate(frames["windows"][columns]).filter(period="analysis").to_df()
    return {
        "seconds": time.process_time() - started,
        "seconds_of_fit": fitted - started,
        "values": int(sum(name[2] == "value" for name in result.columns)) * len(result),
        "days": len(result),
    }


def main(path: str) -> None:
    """Do each job of the request."""
    # It warns of few chunks in a reference, which is part of what is measured.
    warnings.simplefilter("ignore")
    for job in json.loads(Path(path).read_text(encoding="utf-8")):
        answer = speed(job) if job["what"] == "speed" else first_alarms(job)
        Path(job["output"]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
