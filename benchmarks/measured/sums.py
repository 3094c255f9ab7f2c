"""Hourly sums of errors from the same Parquet file: this program, pandas, DuckDB."""

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measured.workload import SEED
from monitoring_pipeline.performance.regression.rows import regression_sums

Sums = tuple[list[float], list[float], list[float]]
"""Per hour: the sums of error, absolute error and squared error."""


def write(file: str, rows: int, hours: int) -> dict[str, Any]:
    """Joined rows, all labelled, spread evenly over the hours."""
    rng = np.random.default_rng(SEED)
    predicted = rng.normal(50, 20, rows)
    columns = {"hour": np.arange(rows) * hours // rows, "predicted": predicted}
    pq.write_table(pa.table({**columns, "actual": predicted + rng.normal(0, 5, rows)}), file)
    return {"bytes": Path(file).stat().st_size}


def compute(file: str, engine: str, runs: int) -> dict[str, Any]:
    """Milliseconds of each run after a warm one, and the three sums of the first hour."""
    function = ENGINES[engine]
    first = [totals[0] for totals in function(file)]
    milliseconds = []
    for _ in range(runs):
        started = time.perf_counter()
        function(file)
        milliseconds.append((time.perf_counter() - started) * 1e3)
    return {"milliseconds": milliseconds, "first_hour": first}


def _this_program(file: str) -> Sums:
    table = pq.read_table(file)
    hours, codes = np.unique(table["hour"].to_numpy(), return_inverse=True)
    sums = regression_sums(
        codes, len(hours), predicted=table["predicted"].to_numpy(), actual=table["actual"].to_numpy()
    )
    return (
        [of_hour.error.total for of_hour in sums],
        [of_hour.absolute_error.total for of_hour in sums],
        [of_hour.squared_error.total for of_hour in sums],
    )


def _pandas(file: str) -> Sums:
    frame = pd.read_parquet(file)
    error = frame["predicted"] - frame["actual"]
    parts = pd.DataFrame({"hour": frame["hour"], "error": error, "absolute": error.abs(), "squared": error * error})
    sums = parts.groupby("hour").sum()
    return sums["error"].tolist(), sums["absolute"].tolist(), sums["squared"].tolist()


def _duckdb(file: str) -> Sums:
    duckdb: Any = import_module("duckdb")
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT sum(predicted - actual), sum(abs(predicted - actual)), sum((predicted - actual) ** 2) "
            "FROM read_parquet(?) GROUP BY hour ORDER BY hour",
            [file],
        ).fetchall()
    error, absolute, squared = zip(*rows, strict=True)
    return list(error), list(absolute), list(squared)


ENGINES: dict[str, Callable[[str], Sums]] = {"this program": _this_program, "pandas": _pandas, "DuckDB": _duckdb}
