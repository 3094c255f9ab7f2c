"""Thirteen features over days, by this program's measures and by a straightforward use of pandas and scipy."""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SEED = 20_130_617
HOURS_PER_DAY = 24
BIN_COUNT = 10
EMPTY_SHARE = 1e-4

Draw = Callable[[np.random.Generator, int], Any]

NUMERIC: Mapping[str, Draw] = {
    "normal": lambda g, n: g.standard_normal(n),
    "uniform": lambda g, n: g.random(n),
    "lognormal": lambda g, n: g.lognormal(0.0, 1.0, n),
    "lognormal_mild": lambda g, n: g.lognormal(0.0, 0.5, n),
    "exponential": lambda g, n: g.exponential(size=n),
    "student_t3": lambda g, n: g.standard_t(3, n),
    "pareto_3": lambda g, n: g.pareto(3.0, n),
    "poisson_3": lambda g, n: g.poisson(3.0, n).astype(np.float64),
    "rounded": lambda g, n: np.round(g.standard_normal(n), 1),
    "zero_inflated": lambda g, n: np.where(g.random(n) < 0.7, 0.0, g.exponential(size=n)),
}
CATEGORIES = {"category_5": 5, "category_20": 20, "category_200": 200}


def write(folder: str, rows: int, days: int, reference_rows: int) -> dict[str, Any]:
    """The reference, and windows of equal size one after the other, each row with its ``day``."""
    generator = np.random.default_rng(SEED)
    pq.write_table(_drawn(generator, reference_rows), Path(folder) / "reference.parquet")
    per_day = rows // days
    table = _drawn(generator, per_day * days)
    table = table.append_column("day", pa.array(np.repeat(np.arange(days), per_day)))
    pq.write_table(table, Path(folder) / "windows.parquet")
    return {}


def write_hours(folder: str, rows: int, days: int, reference_rows: int) -> dict[str, Any]:
    """The reference, and one file per hour."""
    generator = np.random.default_rng(SEED)
    pq.write_table(_drawn(generator, reference_rows), Path(folder) / "reference.parquet")
    hours = Path(folder) / "hours"
    hours.mkdir()
    for hour in range(days * HOURS_PER_DAY):
        pq.write_table(
            _drawn(generator, max(1, rows // (days * HOURS_PER_DAY))),
            hours / f"{hour // HOURS_PER_DAY:03}-{hour % HOURS_PER_DAY:02}.parquet",
        )
    return {}


def ours(folder: str) -> dict[str, Any]:
    """This program's measures, with their p-values, noise limits and detectable effects."""
    program = _Ours()
    reference, windows = (pq.read_table(Path(folder) / f"{name}.parquet") for name in ("reference", "windows"))
    day = windows["day"].to_numpy()
    bounds = np.searchsorted(day, np.arange(int(day[-1]) + 2))
    days = [windows.slice(start, end - start) for start, end in pairwise(bounds.tolist())]
    started = time.process_time()
    prepared = program.prepare(reference)
    seconds_of = {"preparing the reference": time.process_time() - started}
    found = [program.measure(prepared, table, seconds_of) for table in days]
    seconds = time.process_time() - started
    sample = {name: [values[column, name] for column in NUMERIC] for values in found[:1] for name in _SAMPLED}
    return {"seconds": seconds, "seconds_of": seconds_of, "values": sum(map(len, found)), "sample": sample}


def day_by_day(folder: str) -> dict[str, Any]:
    """One day's hour files at a time, as the stage reads them."""
    program = _Ours()
    prepared = program.prepare(pq.read_table(Path(folder) / "reference.parquet"))
    files = sorted((Path(folder) / "hours").iterdir())
    started = time.process_time()
    values = 0
    for start in range(0, len(files), HOURS_PER_DAY):
        table = pa.concat_tables([pq.read_table(file) for file in files[start : start + HOURS_PER_DAY]])
        values += len(program.measure(prepared, table, {}))
    return {"seconds": time.process_time() - started, "values": values}


_SAMPLED = ("ks", "wasserstein")


class _Ours:
    """This program's measures on Arrow columns. Imported here, so that other engines do not carry it."""

    def __init__(self) -> None:
        from monitoring_pipeline.drift import evaluate, reference, verdict  # noqa: PLC0415  (others shall not carry it)
        from monitoring_pipeline.drift.measurement import Measure  # noqa: PLC0415  (others shall not carry it)

        self.evaluate, self.reference = evaluate, reference
        measures = (Measure.KS, Measure.WASSERSTEIN, Measure.CHI2, Measure.PSI, Measure.JENSEN_SHANNON)
        self.criteria = verdict.DriftCriteria(measures=measures)

    def prepare(self, table: pa.Table) -> dict[str, Any]:
        numeric = {name: self.reference.NumericReference.from_values(table[name].to_numpy()) for name in NUMERIC}
        counted = {name: _counts(table[name]) for name in CATEGORIES}
        categorical = {
            name: self.reference.CategoricalReference(counts=dict(sorted(counts.items())), missing_count=0)
            for name, counts in counted.items()
        }
        return {**numeric, **categorical}

    def measure(
        self, prepared: Mapping[str, Any], table: pa.Table, seconds_of: dict[str, float]
    ) -> dict[tuple[str, str], float]:
        alpha = 0.001 / len(prepared)
        values: dict[tuple[str, str], float] = {}
        for name, reference in prepared.items():
            started = time.process_time()
            if name in NUMERIC:
                feature = self.evaluate.evaluate_numeric(
                    reference, table[name].to_numpy(), criteria=self.criteria, alpha=alpha
                )
            else:
                feature = self.evaluate.evaluate_categorical(
                    reference, _counts(table[name]), criteria=self.criteria, alpha=alpha
                )
            seconds_of[name] = seconds_of.get(name, 0.0) + time.process_time() - started
            for measured in feature.measured:
                assert measured.measurement is not None, "no column is empty or constant"
                values[name, measured.measure.value] = measured.measurement.value
        return values


def pandas_scipy(folder: str) -> dict[str, Any]:
    """The same measures as a data scientist writes them down."""
    import pandas as pd  # noqa: PLC0415  (ours shall not carry it)
    from scipy.spatial.distance import jensenshannon  # noqa: PLC0415  (ours shall not carry it)
    from scipy.stats import chi2_contingency, ks_2samp, wasserstein_distance  # noqa: PLC0415  (nor this)

    reference, windows = (pd.read_parquet(Path(folder) / f"{name}.parquet") for name in ("reference", "windows"))
    days = [frame for _, frame in windows.groupby("day")]
    started = time.process_time()
    sample: dict[str, list[float]] = {"ks": [], "wasserstein": []}
    count = 0
    for number, frame in enumerate(days):
        for name in NUMERIC:
            past, present = reference[name].dropna(), frame[name].dropna()
            ks = ks_2samp(past, present).statistic
            moved = wasserstein_distance(past, present) / past.std(ddof=0)
            p, q = _binned(past, present)
            distances = _psi(p, q), float(jensenshannon(p, q, base=2))
            count += 2 + len(distances)
            if number == 0:
                sample["ks"].append(float(ks))
                sample["wasserstein"].append(float(moved))
        for name in CATEGORIES:
            table = pd.concat([reference[name].value_counts(), frame[name].value_counts()], axis=1).fillna(0)
            shares = (table / table.sum()).to_numpy()
            chi2_contingency(table.to_numpy().T)
            distances = _psi(shares[:, 0], shares[:, 1]), float(jensenshannon(shares[:, 0], shares[:, 1], base=2))
            count += 1 + len(distances)
    return {"seconds": time.process_time() - started, "values": count, "sample": sample}


def _binned(past: Any, present: Any) -> Iterator[Any]:
    edges = np.unique(np.quantile(past, np.linspace(0, 1, BIN_COUNT + 1)))
    edges[0], edges[-1] = -np.inf, np.inf
    return (np.histogram(values, edges)[0] / len(values) for values in (past, present))


def _psi(p: Any, q: Any) -> float:
    p, q = np.maximum(p, EMPTY_SHARE), np.maximum(q, EMPTY_SHARE)
    return float(((q - p) * np.log(q / p)).sum())


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    found = pc.value_counts(column)
    return dict(zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True))


def _drawn(generator: np.random.Generator, rows: int) -> pa.Table:
    numeric = {name: pa.array(draw(generator, rows)) for name, draw in NUMERIC.items()}
    categorical = {}
    for name, count in CATEGORIES.items():
        shares = 1.0 / np.arange(1, count + 1)
        codes = generator.choice(count, rows, p=shares / shares.sum())
        names = pa.array([f"c{code:03}" for code in range(count)])
        categorical[name] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), names).cast(pa.string())
    return pa.table({**numeric, **categorical})
