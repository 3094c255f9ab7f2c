"""Verdicts per hour from one validation of many hours.

A validation costs a fixed time whatever its size, so a frame of many hours is validated once. Every
expectation is about single rows, so the rows that break it are counted per hour afterwards: the verdict on
an hour is the same whether it was asked for alone or in a range. Row counts are compared per hour here,
because a suite sees only the whole frame, and an empty hour would pass everything.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.quality.engine import run_suite
from monitoring_pipeline.quality.rules import Rule, rules_of
from monitoring_pipeline.quality.verdicts import QualityResult

if TYPE_CHECKING:
    import pandas as pd

HOUR_COLUMN = "window_start"

Counts = npt.NDArray[np.int64]


def validate(frame: "pd.DataFrame", suite: Any, *, dataset: str, hours: Sequence[int]) -> list[QualityResult]:
    """The verdict of each expectation on each hour.

    An hour without rows gets a verdict on its row count only: of no rows nothing else can be said. An
    expectation whose column is missing or of the wrong type is an ``error``, not a failed value.

    Args:
        frame: the rows of one model, with the int64 column ``window_start``; its index is not used.
        suite: a Great Expectations suite of column-map, column-pair-map and multi-column-map expectations
            and row counts, each with a ``description``: a sentence that is true if it passes.
        dataset: name of the dataset, copied into the results.
        hours: starts of the hours to judge, microseconds UTC; every row belongs to one of them.

    Returns:
        Results in the order of ``hours``, and within an hour in the order of the suite.

    Raises:
        ValueError: for rows outside ``hours``, for hours named twice, or for an expectation that has no
            sentence, shares one, or cannot be attributed to rows.
    """
    rules = rules_of(suite)
    hour_of_row = _hour_of_row(frame, hours)
    row_counts = np.bincount(hour_of_row, minlength=len(hours)).astype(np.int64)
    unexpected = _unexpected_per_hour(frame, [rule for rule in rules if not rule.counts_rows], hour_of_row, row_counts)
    return [
        rule.result(
            dataset=dataset,
            window_start=hour,
            row_count=int(row_counts[i]),
            outcome=None if rule.counts_rows else unexpected[rule.sentence][i],
        )
        for i, hour in enumerate(hours)
        for rule in rules
        if rule.counts_rows or row_counts[i]
    ]


def _hour_of_row(frame: "pd.DataFrame", hours: Sequence[int]) -> npt.NDArray[np.intp]:
    """For each row the position of its hour in ``hours``."""
    wanted = np.asarray(hours, dtype=np.int64)
    if np.unique(wanted).size != wanted.size:
        raise ValueError("an hour is named twice")
    starts = frame[HOUR_COLUMN].to_numpy(dtype=np.int64)
    if not np.isin(starts, wanted).all():
        raise ValueError("the frame holds rows of hours that are not among `hours`")
    if not starts.size:
        return np.empty(0, dtype=np.intp)
    order = np.argsort(wanted)
    return order[np.searchsorted(wanted, starts, sorter=order)]


def _unexpected_per_hour(
    frame: "pd.DataFrame", rules: Sequence[Rule], hour_of_row: npt.NDArray[np.intp], row_counts: Counts
) -> dict[str, list[int | str]]:
    hour_count = len(row_counts)
    outcomes: dict[str, list[int | str]] = {}
    answerable = []
    for rule in rules:
        if missing := [column for column in rule.columns if column not in frame.columns]:
            outcomes[rule.sentence] = [f"column {missing[0]} is missing"] * hour_count
        else:
            answerable.append(rule)
    for rule, positions in _unexpected_rows(frame, answerable):
        if positions is not None:
            outcomes[rule.sentence] = np.bincount(hour_of_row[positions], minlength=hour_count).tolist()
        else:
            outcomes[rule.sentence] = [
                _outcome_of_hour(frame[hour_of_row == i], rule) if row_counts[i] else 0 for i in range(hour_count)
            ]
    return outcomes


def _outcome_of_hour(rows: "pd.DataFrame", rule: Rule) -> int | str:
    """Ask again for one hour: an hour that cannot be judged must not take its neighbours with it."""
    ((_, positions),) = _positions_of(rows.reset_index(drop=True), [rule])
    if positions is not None:
        return int(positions.size)
    types = ", ".join(f"{column} is {rows[column].dtype}" for column in rule.columns)
    # Not the exception's own text: it may quote a value.
    return f"it cannot be asked of such columns: {types}"


def _unexpected_rows(frame: "pd.DataFrame", rules: Sequence[Rule]) -> list[tuple[Rule, npt.NDArray[np.intp] | None]]:
    """Per rule the positions of the rows that break it, or ``None`` if it could not be evaluated."""
    if not rules or frame.empty:
        return [(rule, np.empty(0, dtype=np.intp)) for rule in rules]
    rows = frame.reset_index(drop=True)
    # Most expectations hold, and to find that out takes half as long as to find the rows that break them.
    held = _held(rows, [rule for rule in rules if rule.is_about_every_row])
    broken = dict(_positions_of(rows, [rule for rule in rules if rule.sentence not in held]))
    return [(rule, broken[rule.sentence] if rule.sentence in broken else np.empty(0, dtype=np.intp)) for rule in rules]


def _held(rows: "pd.DataFrame", rules: Sequence[Rule]) -> set[str]:
    """The sentences that are true of every row; one that could not be asked is not among them."""
    return {sentence for sentence, result in _results(rows, rules, which_rows=False).items() if result.success}


def _positions_of(rows: "pd.DataFrame", rules: Sequence[Rule]) -> list[tuple[str, npt.NDArray[np.intp] | None]]:
    """Per sentence the positions of the rows that break it, or ``None`` if it could not be evaluated."""
    return [(sentence, _positions(result)) for sentence, result in _results(rows, rules, which_rows=True).items()]


def _results(rows: "pd.DataFrame", rules: Sequence[Rule], *, which_rows: bool) -> dict[str, Any]:
    if not rules:
        return {}
    columns = list(dict.fromkeys(column for rule in rules for column in rule.columns))
    results = run_suite(rows[columns], [rule.expectation for rule in rules], which_rows=which_rows)
    # Results come out of order; the sentence is part of the configuration and unique within a suite.
    return {result.expectation_config.description: result for result in results}


def _positions(result: Any) -> npt.NDArray[np.intp] | None:
    if "unexpected_index_list" not in result.result:
        return None
    return np.asarray(result.result["unexpected_index_list"] or (), dtype=np.intp)
