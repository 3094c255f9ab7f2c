"""What is said about the errors of the last hours beside those before them."""

import math
import random

import pytest

from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.performance.mergeable.exact_total import ExactTotal
from monitoring_pipeline.stages.live.error_change import LEAST_ERRORS, LiveDriftReason, judge, relative_change


def _sums(errors: list[float]) -> ErrorSums:
    return ErrorSums(
        prediction_count=len(errors) + 1,
        labelled_count=len(errors),
        error_count=len(errors),
        absolute=ExactTotal.of([abs(error) for error in errors]),
        squared=ExactTotal.of([error * error for error in errors]),
        first_at=1,
        last_at=2,
    )


ENOUGH = [1.0, 2.0] * LEAST_ERRORS


@pytest.mark.parametrize(
    ("recent", "historical", "reason"),
    [
        ([], ENOUGH, LiveDriftReason.NO_RECENT_TRUTH),
        (ENOUGH, None, LiveDriftReason.NO_HISTORY),
        (ENOUGH, [], LiveDriftReason.NO_HISTORY),
        ([1.0] * 29, ENOUGH, LiveDriftReason.TOO_FEW_RECENT_ERRORS),
        (ENOUGH, [1.0] * 29, LiveDriftReason.TOO_FEW_HISTORICAL_ERRORS),
        (ENOUGH, [0.0] * 40, LiveDriftReason.ZERO_HISTORICAL_ERROR),
        ([0.0] * 40, ENOUGH, LiveDriftReason.ZERO_RECENT_ERROR),
        ([1e308] * 40, ENOUGH, LiveDriftReason.BEYOND_DOUBLES),
        ([1e-200] * 40, ENOUGH, LiveDriftReason.BEYOND_DOUBLES),
        ([1e140, 2e140] * 40, [1e-140, 2e-140] * 40, LiveDriftReason.ERROR_ROSE),
    ],
)
def test_a_verdict_or_a_reason_for_none(
    recent: list[float], historical: list[float] | None, reason: LiveDriftReason
) -> None:
    judged = judge(_sums(recent), None if historical is None else _sums(historical))

    assert judged.reason is reason
    assert (judged.low is None) == (judged.verdict is DriftVerdict.NOT_ENOUGH_DATA)


def test_the_interval_holds_the_true_change_as_often_as_it_says() -> None:
    rng, true_change, held, trials = random.Random(7), 0.25, 0, 1_000
    for _ in range(trials):
        historical = _sums([rng.expovariate(1) for _ in range(400)])
        recent = _sums([rng.expovariate(1 / (1 + true_change)) for _ in range(200)])
        judged = judge(recent, historical)
        assert judged.low is not None
        assert judged.high is not None
        held += judged.low <= true_change <= judged.high

    assert 0.93 <= held / trials <= 0.97  # three standard errors around 95 %


def test_equal_windows_do_not_drift_and_a_change_is_signed() -> None:
    worse, better = [2 * error for error in ENOUGH], [error / 2 for error in ENOUGH]

    assert judge(_sums(ENOUGH), _sums(ENOUGH)).verdict is DriftVerdict.NO_DRIFT
    assert judge(_sums(worse), _sums(ENOUGH)).reason is LiveDriftReason.ERROR_ROSE
    assert judge(_sums(better), _sums(ENOUGH)).reason is LiveDriftReason.ERROR_FELL


def test_no_change_is_made_of_what_is_no_number() -> None:
    assert relative_change(None, 1.0) is None
    assert relative_change(1.0, 0.0) is None
    assert relative_change(1e300, 1e-300) is None
    assert relative_change(3.0, 2.0) == 0.5
    assert math.isclose(relative_change(1.0, 2.0) or 0, -0.5)
