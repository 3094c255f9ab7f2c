"""What the result tables have to say, told from the events alone: the batch oracle of the truth tests.

It hears every event once, in order of arrival, and keeps no tables, no files, no revisions and no hours that are due.
Which prediction stands and which truth holds are told here by the rule, in plain Python; nothing of the rooms that
store, join, group, merge and publish is imported. Only the mathematics is the product's own (it is held against
scikit-learn elsewhere), called once for each group of an hour with its rows in the order of their ids: without the
same additions there would be no equal bits to ask for.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from monitoring_pipeline.performance.binary.rows import binary_sums
from monitoring_pipeline.performance.business.rows import business_sums
from monitoring_pipeline.performance.business.values import binary_values, regression_values
from monitoring_pipeline.performance.labels.rows import label_sums
from monitoring_pipeline.performance.multiclass.rows import multiclass_sums
from monitoring_pipeline.performance.operations.rows import operations_sums
from monitoring_pipeline.performance.registry import evaluate
from monitoring_pipeline.performance.regression.rows import regression_sums
from monitoring_pipeline.performance.rows.columns import probability_of_actual
from monitoring_pipeline.performance.sums import Sums, merge
from monitoring_pipeline.performance.values import MetricValue

Event = Mapping[str, Any]
Cell = str | int | None
Table = dict[tuple[Cell, ...], tuple[Cell, ...]]
"""Rows by their key; numbers as their bits."""

HOUR, DAY = 3_600_000_000, 86_400_000_000
NAN = float("nan")

_SORTED = orjson.OPT_SORT_KEYS


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A rule on a metric, as far as its verdict on a window with mature labels goes."""

    rule_id: str
    metric: str
    grain: str
    above: float
    min_labelled: int
    segments: tuple[str, ...]  # the beginnings of the names that it covers


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A model as its config declares it."""

    model_id: str
    task: str
    splits: tuple[tuple[str, ...], ...] = ()
    most_segment_values: int = 50
    quantile: float | None = None
    resources: tuple[str, ...] = ()
    worth: Mapping[str, float] | None = None
    amount: str | None = None
    satisfaction: str | None = None
    baseline: float = 0.0
    rules: tuple[Judged, ...] = ()


@dataclass(frozen=True, order=True)
class Said:
    """A statement about a prediction: since when it is known, when it was observed, and what it says."""

    known_at: int
    observed_at: int  # -1: not told
    text: bytes
    outcome: Any = field(compare=False)  # a number, a class name, or None: taken back


@dataclass(frozen=True, kw_only=True)
class Row:
    """A prediction beside all that was ever said about it, the last word last."""

    event: Event
    predicted_at: int
    said: Sequence[Said]

    @property
    def outcome(self) -> Any:
        return self.said[-1].outcome if self.said else None

    @property
    def first_known_at(self) -> int:
        return min((said.known_at for said in self.said if said.outcome is not None), default=-1)

    @property
    def was_corrected(self) -> bool:
        return len({said.text for said in self.said if said.outcome is not None}) > 1


class Oracle:
    """Hears events, and tells what has to stand after them."""

    def __init__(self, models: Sequence[Declared]) -> None:
        self._models = {model.model_id: model for model in models}
        self._predictions: dict[tuple[str, str], Event] = {}
        self._told: dict[tuple[str, str], dict[tuple[int, bytes], Said]] = defaultdict(dict)

    def hear(self, kind: str, events: Sequence[Event], *, now: int) -> None:
        """Events that have arrived, in this order."""
        for event in events:
            if kind == "actuals":
                self._hear_actual(event, now=now)
            else:
                self._hear_prediction(event, now=now)

    def _hear_prediction(self, event: Event, *, now: int) -> None:
        stands = self._predictions.setdefault(_key(event), event)
        if _payload(stands) == _payload(event) and event.get("actual_value") is not None:
            self._hear_actual(event, now=now)

    def _hear_actual(self, event: Event, *, now: int) -> None:
        told = self._told[_key(event)]
        outcome = None if event.get("retracted") else _outcome(self._models[event["model_id"]], event["actual_value"])
        observed_at = -1 if event.get("timestamp") is None else _micros(event["timestamp"])
        text = orjson.dumps((None, outcome) if isinstance(outcome, str) else (outcome, None))
        copy = told.get((observed_at, text))
        if event.get("received_at") is not None:
            known_at = _micros(event["received_at"])
            if copy is not None:
                known_at = min(known_at, copy.known_at)
        elif copy is not None:
            known_at = copy.known_at  # a replay says nothing new
        else:
            # What brings no knowledge time of its own is known after all that was said before.
            known_at = max([now, *(said.known_at + 1 for said in told.values())])
        told[observed_at, text] = Said(known_at, observed_at, text, outcome)

    # --- the tables ---------------------------------------------------------------------------------------------------

    def tables(self) -> dict[str, Table]:
        """What has to stand in ``performance_sums`` and ``metrics``, and in ``findings`` once all labels are due.

        The keys are model, grain, window, version, environment, segment, and last the family, metric or rule.
        """
        sums: Table = {}
        metrics: Table = {}
        findings: Table = {}
        for model, grain, window, of_window in self._windows():
            for (version, environment, segment, family), found in of_window.items():
                group = (model.model_id, grain, window, version, environment, segment)
                counts = (found.prediction_count, found.labelled_count)
                results = {result.metric: result for result in evaluate(found)}
                metrics |= {(*group, name): (*_told(result), *counts) for name, result in results.items()}
                if grain == "hour":
                    sums[*group, family] = (*counts, orjson.dumps(found.to_dict(), option=_SORTED).decode())
                findings |= {
                    (*group, rule.rule_id): _verdict(rule, results[rule.metric].value, *counts)
                    for rule in model.rules
                    if rule.grain == grain and rule.metric in results and segment.startswith(rule.segments)
                }
        return {"performance_sums": sums, "metrics": metrics, "findings": findings}

    def _windows(self) -> Iterator[tuple[Declared, str, int, "Groups"]]:
        days: dict[tuple[str, int], list[Groups]] = defaultdict(list)
        for model, hour, of_hour in self._hours():
            days[model.model_id, hour - hour % DAY].append(of_hour)
            yield model, "hour", hour, of_hour
        for (model_id, day), hours in days.items():
            keys = {key for of_hour in hours for key in of_hour}
            merged = {key: merge([of_hour[key] for of_hour in hours if key in of_hour]) for key in keys}
            yield self._models[model_id], "day", day, _complete(merged)

    def _hours(self) -> Iterator[tuple[Declared, int, "Groups"]]:
        rows: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for key, event in sorted(self._predictions.items()):
            at = _micros(event["timestamp"])
            said = sorted(self._told[key].values()) if key in self._told else []
            rows[key[0], at - at % HOUR].append(Row(event=event, predicted_at=at, said=said))
        for (model_id, hour), of_hour in sorted(rows.items()):
            yield self._models[model_id], hour, _measured(self._models[model_id], of_hour)


Groups = dict[tuple[str, str, str, str], Sums]
"""By version, environment, segment and family."""


def bits(value: float | None) -> str | None:
    """A double as its bits; a database gives -0.0 back as 0.0."""
    return None if value is None else struct.pack(">d", value + 0.0).hex()


def _key(event: Event) -> tuple[str, str]:
    return event["model_id"], event["prediction_id"]


def _payload(event: Event) -> Event:
    return {name: value for name, value in event.items() if name not in ("received_at", "actual_value")}


def _micros(stamp: str) -> int:
    return (datetime.fromisoformat(stamp) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _outcome(model: Declared, value: Any) -> Any:
    return str(value) if model.task == "multiclass" else float(value)


# --- an hour ----------------------------------------------------------------------------------------------------------


def _measured(model: Declared, rows: Sequence[Row]) -> Groups:
    found: Groups = {}
    for family, (measure, is_split) in _families(model).items():
        found |= _split(family, measure, rows, ())
        for fields in model.splits if is_split else ():
            segments = _split(family, measure, rows, fields)
            if len({segment for _, _, segment, _ in segments}) <= model.most_segment_values:
                found |= segments
    return found


def _split(family: str, measure: Callable[[Sequence[Row]], Sums], rows: Sequence[Row], fields: Sequence[str]) -> Groups:
    groups: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        segment = _segment(fields, row.event["features"])
        groups[row.event["model_version"], row.event["environment"], segment, family].append(row)
    return {key: measure(of_group) for key, of_group in groups.items()}


def _segment(fields: Sequence[str], features: Mapping[str, Any]) -> str:
    if not fields:
        return "all"
    values = ["(none)" if features[name] is None else features[name] for name in fields]
    if len(values) == 1:
        return f"{fields[0]}={values[0]}"
    return " & ".join(fields) + "=" + " & ".join(value.replace("&", "&&") for value in values)


def _complete(merged: Groups) -> Groups:
    """A day without the segments that some of its hours left out."""
    counts: dict[tuple[str, ...], int] = defaultdict(int)
    for (version, environment, segment, family), sums in merged.items():
        counts[version, environment, family, segment.split("=")[0]] += sums.prediction_count
    return {
        key: sums
        for key, sums in merged.items()
        if counts[key[0], key[1], key[3], key[2].split("=")[0]] == counts[key[0], key[1], key[3], "all"]
    }


def _families(model: Declared) -> dict[str, tuple[Callable[[Sequence[Row]], Sums], bool]]:
    """How each family is measured, and whether it is measured for segments."""
    of_task = {"regression": _regression, "binary": _binary, "multiclass": _multiclass}[model.task]
    found: dict[str, tuple[Callable[[Sequence[Row]], Sums], bool]] = {
        "performance": (lambda rows: of_task(model, rows), True),
        "operations": (lambda rows: _operations(model, rows), False),
        "labels": (_labels, False),
    }
    if model.worth is not None:
        found["business"] = (lambda rows: _business(model, rows), True)
    return found


def _numbers(values: Iterator[Any]) -> list[float]:
    return [NAN if value is None else float(value) for value in values]


def _columns(rows: Sequence[Row]) -> tuple[list[float], list[float], list[bool]]:
    predicted = _numbers(row.event["predicted_value"] for row in rows)
    return predicted, _numbers(row.outcome for row in rows), [row.outcome is not None for row in rows]


def _regression(model: Declared, rows: Sequence[Row]) -> Sums:
    predicted, actual, labelled = _columns(rows)
    [sums] = regression_sums(
        [0] * len(rows), 1, predicted=predicted, actual=actual, labelled=labelled, quantile=model.quantile
    )
    return sums


def _binary(_model: Declared, rows: Sequence[Row]) -> Sums:
    predicted, actual, labelled = _columns(rows)
    proba = _numbers(row.event.get("prediction_proba") for row in rows)
    [sums] = binary_sums(
        [0] * len(rows), 1, predicted=predicted, proba=proba, actual=actual, threshold=0.5, labelled=labelled
    )
    return sums


def _multiclass(_model: Declared, rows: Sequence[Row]) -> Sums:
    actual = [row.outcome for row in rows]
    [sums] = multiclass_sums(
        [0] * len(rows),
        1,
        predicted=[row.event["predicted_value"] for row in rows],
        actual=actual,
        actual_probability=probability_of_actual(actual, [row.event.get("probabilities") for row in rows]),
        labelled=[outcome is not None for outcome in actual],
    )
    return sums


def _operations(model: Declared, rows: Sequence[Row]) -> Sums:
    [sums] = operations_sums(
        [0] * len(rows),
        1,
        latency_ms=_numbers(row.event.get("latency_ms") for row in rows),
        confidence=_numbers(row.event.get("confidence") for row in rows),
        low_confidence=0.6,
        resources={name: _numbers(row.event.get(name) for row in rows) for name in model.resources},
        window_seconds=3600,
    )
    return sums


def _labels(rows: Sequence[Row]) -> Sums:
    [sums] = label_sums(
        [0] * len(rows),
        1,
        predicted_at=[row.predicted_at for row in rows],
        first_known_at=[row.first_known_at for row in rows],
        corrected=[row.was_corrected for row in rows],
        retracted=[row.first_known_at >= 0 and row.outcome is None for row in rows],
    )
    return sums


def _business(model: Declared, rows: Sequence[Row]) -> Sums:
    assert model.worth is not None
    predicted, actual, labelled = _columns(rows)
    amount = None if model.amount is None else _numbers(row.event.get(model.amount) for row in rows)
    if model.task == "regression":
        value = regression_values(predicted=predicted, actual=actual, amount=amount, **model.worth)
    else:
        proba = _numbers(row.event.get("prediction_proba") for row in rows)
        value = binary_values(
            predicted=predicted, proba=proba, actual=actual, threshold=0.5, value=model.worth, amount=amount
        )
    satisfaction = None if model.satisfaction is None else _numbers(row.event.get(model.satisfaction) for row in rows)
    [sums] = business_sums(
        [0] * len(rows), 1, value=value, labelled=labelled, satisfaction=satisfaction, baseline=model.baseline
    )
    return sums


# --- what is told of sums --------------------------------------------------------------------------------------------


def _told(result: MetricValue) -> tuple[Cell, ...]:
    numbers = (result.value, result.lower, result.upper, result.detectable_change, result.error_bound)
    return (*map(bits, numbers), None if result.undefined is None else result.undefined.value)


def _verdict(rule: Judged, value: float | None, predictions: int, labelled: int) -> tuple[Cell, ...]:
    if labelled < rule.min_labelled:
        verdict = "not_enough_data"
    elif value is None:
        verdict = "undefined"
    else:
        verdict = "breach" if value > rule.above else "ok"
    return verdict, bits(value), predictions, labelled
