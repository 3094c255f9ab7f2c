"""Sums and metrics of the arrival of truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from monitoring_pipeline.performance.labels.rows import label_sums
from monitoring_pipeline.performance.labels.sums import LabelSums
from monitoring_pipeline.performance.registry import evaluate, sums_from_dict
from monitoring_pipeline.performance.sums import merge
from monitoring_pipeline.performance.values import MetricValue, UndefinedReason

MADE = 1_772_452_800_000_000
SECOND = 1_000_000

# Seconds to the first label (None: never labelled), corrected, retracted.
Row = tuple[float | None, bool, bool]


def sums_of(rows: list[Row]) -> LabelSums:
    known = [-1 if delay is None else MADE + round(delay * SECOND) for delay, _, _ in rows]
    [sums] = label_sums(
        [0] * len(rows),
        1,
        predicted_at=[MADE] * len(rows),
        first_known_at=known,
        corrected=[corrected for _, corrected, _ in rows],
        retracted=[retracted for _, _, retracted in rows],
    )
    return sums


def answers(sums: LabelSums) -> dict[str, MetricValue]:
    return {answer.metric: answer for answer in evaluate(sums)}


def test_labels_are_counted_by_what_became_of_them() -> None:
    sums = sums_of([(10, False, False), (20, True, False), (30, True, True), (None, False, True), (None, False, False)])

    assert (sums.prediction_count, sums.labelled_count, sums.delay_seconds.count) == (5, 2, 3)
    assert (sums.corrected_count, sums.retracted_count, sums.unusable_count) == (2, 1, 0)


def test_groups_do_not_mix_and_masked_instants_are_unlabelled() -> None:
    known = np.ma.masked_array([MADE + 5 * SECOND, 0, MADE + 7 * SECOND], mask=[False, True, False])

    nothing, first, second = label_sums(
        [1, 2, 2], 3, predicted_at=[MADE] * 3, first_known_at=known, corrected=[0, 0, 1], retracted=[0, 0, 0]
    )

    assert (nothing.prediction_count, first.prediction_count, second.prediction_count) == (0, 1, 2)
    assert (first.labelled_count, second.labelled_count, second.corrected_count) == (1, 1, 1)


def test_truth_that_was_there_before_its_prediction_has_no_delay() -> None:
    sums = sums_of([(-3600, False, False), (0, False, False)])

    assert sums.delay_seconds.zero_count == 2
    assert answers(sums)["label_delay_p90_seconds"].value == 0


def test_delays_are_the_quantiles_of_the_labels_that_came() -> None:
    delays = np.random.default_rng(1).lognormal(8, 2, 1_001)

    found = answers(sums_of([(delay, False, False) for delay in delays] + [(None, False, False)] * 500))

    for name, share in (("label_delay_median_seconds", 0.5), ("label_delay_p90_seconds", 0.9)):
        exact = np.quantile(delays, share, method="inverted_cdf")
        assert found[name].value == pytest.approx(exact, rel=0.01)
        assert (found[name].lower or np.inf) < exact < (found[name].upper or 0)


def test_rates_are_of_the_labels_that_ever_came_with_wilsons_interval() -> None:
    sums = sums_of([(60, i < 6, i < 3) for i in range(40)] + [(None, False, False)] * 60)

    correction, retraction = (answers(sums)[f"label_{what}_rate"] for what in ("correction", "retraction"))

    assert (correction.value, retraction.value) == (6 / 40, 3 / 40)
    expected = binomtest(6, 40).proportion_ci(method="wilson")
    assert (correction.lower, correction.upper) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("rows", [[], [(None, False, False)] * 3])
def test_without_labels_there_is_a_reason(rows: list[Row]) -> None:
    found = evaluate(sums_of(rows))

    assert {answer.undefined for answer in found} == {UndefinedReason.NO_LABELS}


def test_labels_that_were_all_taken_back_have_come_all_the_same() -> None:
    found = answers(sums_of([(60, False, True)] * 5))

    assert found["label_retraction_rate"].value == 1
    assert found["label_delay_median_seconds"].value == pytest.approx(60, rel=0.01)


a_row = st.tuples(st.none() | st.floats(0, 1e8), st.booleans(), st.booleans())


@settings(deadline=None, max_examples=60)
@given(hours=st.lists(st.lists(a_row, max_size=6), min_size=1, max_size=4), order=st.randoms())
def test_merged_hours_are_the_sums_of_all_rows_and_survive_being_stored(hours: list[list[Row]], order: object) -> None:
    parts = [sums_of(rows) for rows in hours]
    assert hasattr(order, "shuffle")

    order.shuffle(parts)
    merged = merge([sums_from_dict("labels", part.to_dict()) for part in parts])

    assert merged == sums_of([row for rows in hours for row in rows])
