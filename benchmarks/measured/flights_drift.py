"""Drift of the real flights under the demo's own declaration, window by window, beside the field's usual rules.

The windows are judged by the functions that the pipeline calls, on all flights at once; nothing is stored.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, kstwo

from benchmarks.detection.rivals import EMPTY_SHARE
from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.simulation.flights.data import CATEGORICAL_FEATURES, FEATURES, load_flights
from monitoring_pipeline.simulation.flights.files import reference_outputs, write_config
from monitoring_pipeline.simulation.flights.spring import predicted_spring
from monitoring_pipeline.simulation.flights.train import DELAY_MODEL_ID, MODEL_VERSION, train
from monitoring_pipeline.stages.drifting.groups import WHOLE, GroupRows, group_tables
from monitoring_pipeline.stages.drifting.reference_rows import given_rows
from monitoring_pipeline.stages.drifting.references import Wanted, prepare
from monitoring_pipeline.stages.drifting.result_rows import judged_rows
from monitoring_pipeline.stages.drifting.subjects import input_subjects, output_subjects
from monitoring_pipeline.stages.drifting.windows import comparisons
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX
from monitoring_pipeline.windows import HOUR_MICROS, Grain

Flights = pd.DataFrame
Found = list[dict[str, Any]]

WATCHED = tuple(name for name in FEATURES if name != "weekday")
FEWEST_ROWS = 30
USUAL_RULES = ("KS or χ², p < 0.05", "PSI > 0.1")
USUAL_P_VALUE, USUAL_PSI = 0.05, 0.1
STANDS_OUT = 3.0  # standard deviations of a share

# The first whole UTC day that the models have not seen; the data ends with New York's year, in the next UTC day.
FIRST_DAY, END = "2013-06-02", "2014-01-01"


def watch(day_count: int, hour_days: int) -> dict[str, Any]:
    """The spring, on which the models were trained, and the rest of the year.

    Args:
        day_count: days of either that are judged as days, from its first on.
        hour_days: days of either whose hours are judged.
    """
    flights = load_flights()
    spring = predicted_spring(flights)
    models = train(flights)
    later = flights[(flights["departs_at"] >= FIRST_DAY) & (flights["departs_at"] < END)]
    later = later.assign(predicted_minutes=models.delay_minutes(later))
    found: dict[str, Any] = {}
    # The days at the edges of the spring are not whole in UTC.
    whole = spring[(spring["departs_at"] >= "2013-01-02") & (spring["departs_at"] < "2013-06-01")]
    for name, rows in (("spring", whole), ("rest of the year", later)):
        found[name] = {
            grain.value: _watched(_first_days(rows, days), spring, grain)
            for grain, days in ((Grain.DAY, day_count), (Grain.HOUR, hour_days))
        }
    found["days"] = _what_happened(_first_days(later, day_count), spring)
    return found


def _first_days(rows: Flights, count: int) -> Flights:
    first: Flights = rows[rows["departs_at"] < rows["departs_at"].iloc[0].floor("D") + pd.Timedelta(days=count)]
    return first


def _watched(rows: Flights, spring: Flights, grain: Grain) -> dict[str, Any]:
    usual = Counter[tuple[str, str]]()
    for window, said in _usual_rules(rows, spring, grain):
        usual.update({(window[:7], rule): count for rule, count in said.items() if count})
    windows = _starts(rows, grain)
    return {
        "windows": len(windows),
        "by_month": dict(Counter(str(start)[:7] for start in windows)),
        "ours": _ours(rows, spring, grain),
        "usual": [{"month": month, "rule": rule, "alarms": count} for (month, rule), count in sorted(usual.items())],
    }


def _starts(rows: Flights, grain: Grain) -> list[pd.Timestamp]:
    return sorted(rows["departs_at"].dt.floor("D" if grain is Grain.DAY else "h").unique())


def _ours(rows: Flights, spring: Flights, grain: Grain) -> Found:
    """Everything that is called drift, with the demo's declaration."""
    with tempfile.TemporaryDirectory() as folder:
        model = load_config(write_config(Path(folder))).models[0]
    group, reference = _group(rows), given_rows(_reference_table(spring))
    wanted = Wanted.of(model, [*input_subjects(model), *output_subjects(model)], grain, WHOLE)
    references = prepare(reference, wanted)
    found: Found = []
    for start in _starts(rows, grain):
        measured = list(comparisons(model, grain, int(start.timestamp() * 1e6), group, references))
        found += [_alarm(row, start) for row in judged_rows(model, grain, measured) if _is_drift_of_a_feature(row)]
    return found


def _is_drift_of_a_feature(row: Mapping[str, Any]) -> bool:
    return bool(row["measure"] == "overall" and row["verdict"] == "drift")


def _alarm(row: Mapping[str, Any], start: pd.Timestamp) -> dict[str, Any]:
    return {
        "window": start.strftime("%Y-%m-%dT%H:%MZ"),
        "type": row["drift_type"],
        "feature": row["feature"],
        "score": round(row["value"], 2),
        "led_by": row["detail"].split('"')[3],
        "q_value": float(f"{row['q_value']:.2g}"),
    }


def _reference_table(spring: Flights) -> pa.Table:
    outputs = reference_outputs(spring)[DELAY_MODEL_ID]
    return pa.Table.from_pandas(
        spring[list(FEATURES)].assign(predicted_at=spring["departs_at"], **outputs), preserve_index=False
    )


def _group(rows: Flights) -> GroupRows:
    """The rows as the pipeline would read them from its hour files."""
    table = pa.Table.from_pandas(
        rows[list(FEATURES)]
        .rename(columns=lambda name: FEATURE_PREFIX + name)
        .assign(
            model_version=MODEL_VERSION,
            environment="production",
            predicted_value=rows["predicted_minutes"],
            predicted_at=rows["departs_at"].astype("datetime64[us, UTC]").astype("int64"),
        ),
        preserve_index=False,
    )
    hours = table["predicted_at"].to_numpy() // HOUR_MICROS * HOUR_MICROS
    (group,) = group_tables(table, hours, splits=())
    return group


def _usual_rules(rows: Flights, spring: Flights, grain: Grain) -> Iterator[tuple[str, dict[str, int]]]:
    """How many features the usual rules call drifted, window by window."""
    usual = {name: Usual.of(_numbers(spring[name], spring[name]), name) for name in WATCHED}
    values = {name: _numbers(rows[name], spring[name]) for name in WATCHED}
    starts = rows["departs_at"].dt.floor("D" if grain is Grain.DAY else "h")
    for start, places in starts.groupby(starts).indices.items():
        said = dict.fromkeys(USUAL_RULES, 0)
        for name, reference in usual.items():
            present = values[name][places]
            present = present[~np.isnan(present)]
            if present.size >= FEWEST_ROWS:
                said[USUAL_RULES[0]] += reference.p_value(present) < USUAL_P_VALUE
                said[USUAL_RULES[1]] += reference.psi(present) > USUAL_PSI
        yield str(start), said


@dataclass(frozen=True, kw_only=True)
class Usual:
    """A feature's spring, as the usual rules look at it, apart from this program."""

    ordered: NDArray[np.float64]
    edges: NDArray[np.float64]  # deciles; the categories themselves
    counts: NDArray[np.int64]  # of the bins between and beyond them
    categorical: bool

    @classmethod
    def of(cls, values: NDArray[np.float64], name: str) -> Self:
        """Prepare a feature's values, categories by number; NaN is missing."""
        ordered = np.sort(values[~np.isnan(values)])
        categorical = name in CATEGORICAL_FEATURES
        edges = np.unique(ordered if categorical else np.quantile(ordered, np.arange(1, 10) / 10))
        return cls(ordered=ordered, edges=edges, counts=_counts(ordered, edges), categorical=categorical)

    def p_value(self, values: NDArray[np.float64]) -> float:
        """Of χ², or of Kolmogorov-Smirnov as ``scipy.stats.ks_2samp(method="asymp")`` has it."""
        if self.categorical:
            counts = np.stack((self.counts, _counts(values, self.edges)))
            return float(chi2_contingency(counts[:, counts.sum(axis=0) > 0], correction=False).pvalue)
        window, n, m = np.sort(values), values.size, self.ordered.size
        up_to, below = (np.searchsorted(self.ordered, window, side=side) / m for side in ("right", "left"))
        above_it = np.searchsorted(window, window, side="right") / n - up_to
        below_it = below - np.searchsorted(window, window, side="left") / n
        return float(kstwo.sf(max(above_it.max(), below_it.max()), np.round(n * m / (n + m))))

    def psi(self, values: NDArray[np.float64]) -> float:
        """On deciles or categories, an empty one counting as the customary 0.0001."""
        q, p = (np.maximum(c / c.sum(), EMPTY_SHARE) for c in (self.counts, _counts(values, self.edges)))
        return float(np.sum((p - q) * np.log(p / q)))


def _counts(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.bincount(np.searchsorted(edges, values), minlength=edges.size + 1)


def _numbers(column: "pd.Series[Any]", of: "pd.Series[Any]") -> NDArray[np.float64]:
    """Numbers as they are; categories by their place among the spring's, all new ones as one more."""
    if column.dtype.kind in "if":
        return column.to_numpy(dtype=np.float64)
    places = {name: place for place, name in enumerate(sorted(of.unique()))}
    return column.map(places).fillna(len(places)).to_numpy(dtype=np.float64)


def _what_happened(rows: Flights, spring: Flights) -> list[dict[str, Any]]:
    """Each day as the data tells it."""
    usual = spring["destination"].value_counts(normalize=True)
    told = []
    for day, of_day in rows.groupby(rows["departs_at"].dt.floor("D")):
        counts = of_day["destination"].value_counts()
        share = usual.reindex(counts.index).fillna(0.0)
        beyond = (counts - len(of_day) * share) / np.sqrt(len(of_day) * np.maximum(share, 1 / len(spring)))
        told.append(
            {
                "day": str(day)[:10],
                "weekday": str(day.day_name()),
                "flights": len(of_day),
                "never_landed_percent": round(100 * float(of_day["landed_at"].isna().mean()), 1),
                "mean_delay_minutes": round(float(of_day["arrival_delay_minutes"].mean()), 1),
                "highest_wind_mph": _rounded(of_day["wind_speed_mph"].max()),
                "wet_flights_percent": round(100 * float((of_day["precipitation_inches"] > 0).mean()), 1),
                "low_visibility_flights_percent": round(100 * float((of_day["visibility_miles"] < 3).mean()), 1),
                "no_weather_percent": round(100 * float(of_day["temperature_f"].isna().mean()), 1),
                "first_local_hour": int(of_day["departure_hour"].iloc[0]),
                "destinations_beyond_usual": [str(x) for x in beyond[beyond > STANDS_OUT].nlargest(6).index],
                "destinations_new": sorted(set(counts.index) - set(usual.index)),
            }
        )
    return told


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 1)
