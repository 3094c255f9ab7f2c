"""Order does not matter: whatever happens in whatever order, the tables end up as the oracle tells them, to the bit.

Predictions, actuals, corrections and retractions arrive in any order and batching, twice, or contradicting each other;
hours and days are run singly or in ranges, runs die, and events land in the middle of them; processes start anew.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.truth_machine import history_of, prepared_home

ANY_HISTORY = settings(
    stateful_step_count=10,
    deadline=None,
    database=None,
    # A history takes a quarter of a second; to explain a failure would take minutes.
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_home(tmp_path_factory.mktemp("truth"))


def test_any_history_ends_in_the_tables_of_the_oracle(home: Path) -> None:
    same_each_time = settings(ANY_HISTORY, max_examples=200, derandomize=True)

    run_state_machine_as_test(history_of(home), settings=same_each_time)


@pytest.mark.long
def test_two_thousand_other_histories_end_in_the_tables_of_the_oracle(home: Path) -> None:
    longer = settings(ANY_HISTORY, max_examples=2_000, stateful_step_count=15)

    history = seed(20_130_617)(history_of(home, models=("delay", "late", "kind")))

    run_state_machine_as_test(history, settings=longer)
