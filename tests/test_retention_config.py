"""``retention.events_days``: opt-in, and turned into one instant in one place."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from monitoring_pipeline.config.models import Labels, Model, MonitoringConfig, Retention, Task
from monitoring_pipeline.config.retention import retention_horizon
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS
from tests.conftest import NOON_MICROS


def test_nothing_is_removed_unless_asked_for() -> None:
    assert MonitoringConfig().retention.events_days is None
    assert retention_horizon(MonitoringConfig(), NOON_MICROS) is None


@pytest.mark.parametrize("now", [NOON_MICROS, NOON_MICROS + 1, NOON_MICROS + HOUR_MICROS - 1])
def test_the_horizon_is_the_start_of_an_hour(now: int) -> None:
    config = MonitoringConfig(retention=Retention(events_days=100))

    assert retention_horizon(config, now) == NOON_MICROS - 100 * DAY_MICROS


def test_any_number_of_days_gives_an_instant_that_databases_can_hold() -> None:
    config = MonitoringConfig(retention=Retention(events_days=10**30))

    assert retention_horizon(config, NOON_MICROS) == 0


def test_less_than_ninety_days_are_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 90"):
        Retention(events_days=89)


def test_events_must_not_be_removed_while_their_labels_are_expected() -> None:
    slow = Model(id="slow", task=Task.BINARY, labels=Labels(maturity=timedelta(days=91)))

    with pytest.raises(ValidationError, match=r"retention\.events_days 90 is shorter than labels\.maturity of slow"):
        MonitoringConfig(retention=Retention(events_days=90), models=[slow])
    assert MonitoringConfig(retention=Retention(events_days=91), models=[slow])
    assert MonitoringConfig(models=[slow])
