"""Instants (a booking's date, a birthday, a last login) as an age and as places in the day and week.

An instant itself always moves on: a window's bookings are later than the reference's because the window is, and any
measure on them reports a drift that is nothing but the passing of time. What can stay the same is how old the
instant was when the prediction was made, and at which hour and on which weekday it lies.

But an instant close to its prediction lies in the prediction's own hour. Then a window of one hour holds that hour
alone, against all hours of the reference: drift again by nothing but the clock. So the hour is compared only where
most instants lie a day or more from their prediction, and the weekday where they lie a week or more from it.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import LARGEST_MAGNITUDE, Floats

Instants = NDArray[np.float64] | NDArray[np.int64]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_SECOND = 1e6  # microseconds
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR
_FEWEST_DAYS = {"hour": 1, "weekday": 7}  # between an instant and its prediction, for it to have its own
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_LAST = 253_402_300_800 * _SECOND  # the year 10000: instants beyond it, or as far before 1970, lie in no calendar


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstantColumns:
    """An instant's columns, one value per row.

    Attributes:
        age_seconds: how long before its prediction the instant was; NaN where either is missing.
        categories: ``hour`` ("00" to "23", UTC) and ``weekday``, as far as they are compared; ``None`` where the
            instant is missing or lies in no calendar (beyond the year 9999).
    """

    age_seconds: Floats
    categories: dict[str, list[str | None]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InstantReference:
    """Which columns of an instant can be compared, and the reference's own.

    It cannot see: a change of the date itself that keeps the age (they are the same thing, if predictions are made
    as ever); days of the month, seasons and holidays; a change of the time zone, save by the hour.

    Attributes:
        categories: which of ``hour`` and ``weekday`` vary in the reference and are not bound to the clock.
        reference_columns: the columns of all rows.
    """

    categories: tuple[str, ...]
    reference_columns: InstantColumns

    @classmethod
    def fit(cls, values: Instants, predicted_at: Instants) -> Self:
        """Prepare a reference; both in microseconds since 1970 UTC, one of each per row, NaN where missing.

        Raises:
            ValueError: if there is not one instant of prediction per value.
        """
        columns = instant_columns(values, predicted_at)
        ages = np.abs(columns.age_seconds[~np.isnan(columns.age_seconds)])
        usual_age = float(np.median(ages)) if ages.size else 0.0
        names = tuple(
            name
            for name, fewest_days in _FEWEST_DAYS.items()
            if usual_age * _SECOND >= fewest_days * _DAY and _varies(columns.categories[name])
        )
        return cls(categories=names, reference_columns=_only(columns, names))

    def columns(self, values: Instants, predicted_at: Instants) -> InstantColumns:
        """The columns of a window, with the same categories and conventions.

        Raises:
            ValueError: if there is not one instant of prediction per value.
        """
        return _only(instant_columns(values, predicted_at), self.categories)


def instant_columns(values: Instants, predicted_at: Instants) -> InstantColumns:
    """All columns, whether they can be compared or not.

    >>> columns = instant_columns(np.array([0, 90_000_000_000]), np.array([60_000_000, np.nan]))
    >>> columns.age_seconds.tolist(), columns.categories["hour"], columns.categories["weekday"]
    ([60.0, nan], ['00', '01'], ['Thursday', 'Friday'])
    """
    moments = _moments(values)
    known = np.abs(moments) < _LAST
    hours = (np.where(known, moments, 0.0) % _DAY // _HOUR).astype(np.int64).tolist()
    days = (np.where(known, moments, 0.0) // _DAY).astype(np.int64).tolist()
    return InstantColumns(
        age_seconds=age_seconds(values, predicted_at),
        categories={
            "hour": [f"{hour:02}" if sure else None for hour, sure in zip(hours, known, strict=True)],
            "weekday": [
                WEEKDAYS[(day + _EPOCH_WEEKDAY) % 7] if sure else None for day, sure in zip(days, known, strict=True)
            ],
        },
    )


def age_seconds(values: Instants, predicted_at: Instants) -> Floats:
    """How long before its prediction each instant was, in seconds; negative for one that lay ahead.

    Args:
        values: microseconds since 1970 UTC; NaN and infinite ones are missing.
        predicted_at: likewise, one per value.

    Raises:
        ValueError: if there is not one instant of prediction per value.
    """
    if values.shape != predicted_at.shape:
        raise ValueError(
            f"{values.shape[0]} values but {predicted_at.shape[0]} instants of prediction; one each is needed"
        )
    # The difference first: it is exact, so equal ages stay equal.
    return (_moments(predicted_at) - _moments(values)) / _SECOND


def _moments(values: Instants) -> Floats:
    moments = values.astype(np.float64)
    return np.where(np.isfinite(moments), np.clip(moments, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE), np.nan)


def _only(columns: InstantColumns, names: tuple[str, ...]) -> InstantColumns:
    return InstantColumns(
        age_seconds=columns.age_seconds, categories={name: columns.categories[name] for name in names}
    )


def _varies(categories: list[str | None]) -> bool:
    return len({category for category in categories if category is not None}) > 1
