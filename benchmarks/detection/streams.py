"""Windows whose truth is known: twenty columns that do not change, and the ways in which one of them does.

Everything is drawn from one seed and from what is drawn (role, rows, column, number of the reference), so every method
sees the same rows in whatever order the methods run. A categorical column holds codes, missing ones NaN too.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SEED = 20_130_617

Values = NDArray[np.float64]
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Values]
Change = Callable[[np.random.Generator, Values], Values]

GRADUAL_WINDOWS = 48
TAIL_STARTS_AT = float(np.exp(1.6448536))  # the 95 % quantile of the standard lognormal law


class Role(IntEnum):
    """What rows are drawn for; a part of their seed."""

    REFERENCE = 1
    STATIONARY = 2
    DRIFTED = 3
    CALIBRATION = 4
    BEFORE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature: how its rows are drawn, missing ones as NaN."""

    name: str
    draw: Draw
    categorical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way to drift: ``change`` takes windows of shape (streams, windows since the onset, rows)."""

    name: str
    column: str
    change: Change
    horizon: int = 24


def columns(role: Role, count: int, shape: Shape, *, number: int, only: str | None = None) -> Mapping[str, Values]:
    """``count`` times ``shape`` rows of each column (or of one), as they are when nothing has changed."""
    return {
        name: COLUMNS[name].draw(_generator(role, name, shape[-1], number), (count, *shape[:-1], shape[-1]))
        for name in ([only] if only else COLUMNS)
    }


def drifted(scenario: Scenario, streams: int, rows: int, *, number: int) -> Values:
    """The windows of a scenario's column from its onset on: (streams, horizon, rows)."""
    generator = _generator(Role.DRIFTED, scenario.name, rows, number)
    values = COLUMNS[scenario.column].draw(generator, (streams, scenario.horizon, rows))
    return scenario.change(generator, values)


def texts(codes: Values) -> list[str | None]:
    """The categories of codes, as text; NaN is missing."""
    return [None if math.isnan(code) else f"c{int(code):03}" for code in codes.tolist()]


def _generator(role: Role, name: str, rows: int, number: int) -> np.random.Generator:
    return np.random.default_rng([SEED, role, rows, number, *name.encode()])


def _zero_inflated(generator: np.random.Generator, shape: Shape) -> Values:
    return np.where(generator.random(shape) < 0.7, 0.0, generator.exponential(size=shape))


def _rounded_normal(generator: np.random.Generator, shape: Shape) -> Values:
    rounded: Values = np.round(generator.standard_normal(shape), 1)
    return rounded


def _bimodal(generator: np.random.Generator, shape: Shape) -> Values:
    return generator.standard_normal(shape) + np.where(generator.random(shape) < 0.4, 4.0, 0.0)


def _sometimes_missing(generator: np.random.Generator, shape: Shape) -> Values:
    return np.where(generator.random(shape) < 0.1, np.nan, generator.standard_normal(shape))


def _categories(shares: Values) -> Draw:
    bounds = np.cumsum(shares / shares.sum())[:-1]
    return lambda generator, shape: np.searchsorted(bounds, generator.random(shape), side="right").astype(np.float64)


def _zipf(count: int) -> Values:
    return 1.0 / np.arange(1, count + 1)


COLUMNS = {
    column.name: column
    for column in (
        Column(name="normal", draw=lambda g, shape: g.standard_normal(shape)),
        Column(name="normal_far_from_zero", draw=lambda g, shape: 1e6 + 1e3 * g.standard_normal(shape)),
        Column(name="uniform", draw=lambda g, shape: g.random(shape)),
        Column(name="lognormal", draw=lambda g, shape: g.lognormal(0.0, 1.0, shape)),
        Column(name="lognormal_mild", draw=lambda g, shape: g.lognormal(0.0, 0.5, shape)),
        Column(name="exponential", draw=lambda g, shape: g.exponential(size=shape)),
        Column(name="student_t3", draw=lambda g, shape: g.standard_t(3, shape)),
        Column(name="pareto_3", draw=lambda g, shape: g.pareto(3.0, shape)),
        Column(name="poisson_3", draw=lambda g, shape: g.poisson(3.0, shape).astype(np.float64)),
        Column(name="rating_1_to_5", draw=lambda g, shape: g.binomial(4, 0.7, shape) + np.float64(1)),
        Column(name="normal_rounded", draw=_rounded_normal),
        Column(name="zero_inflated", draw=_zero_inflated),
        Column(name="bimodal", draw=_bimodal),
        Column(name="sometimes_missing", draw=_sometimes_missing),
        Column(name="three_categories", draw=_categories(np.array([0.6, 0.3, 0.1])), categorical=True),
        Column(name="twenty_equal", draw=_categories(np.ones(20)), categorical=True),
        Column(name="twenty_unequal", draw=_categories(_zipf(20)), categorical=True),
        Column(name="two_hundred", draw=_categories(_zipf(200)), categorical=True),
        Column(name="boolean_even", draw=_categories(np.ones(2)), categorical=True),
        Column(name="boolean_rare", draw=_categories(np.array([0.98, 0.02])), categorical=True),
    )
}


def _shift(deviations: float) -> Change:
    return lambda _, values: values + deviations


def _gradual(_: np.random.Generator, values: Values) -> Values:
    grown = np.minimum(1.0, np.arange(1, values.shape[1] + 1) / GRADUAL_WINDOWS)
    return values + grown[None, :, None]


def _replaced(share: float, by: float, *, of: float | None = None) -> Change:
    """A share of the rows (of those with one value, if given) gets another value."""

    def change(generator: np.random.Generator, values: Values) -> Values:
        chosen = generator.random(values.shape) < share
        return np.where(chosen if of is None else chosen & (values == of), by, values)

    return change


def _longer_tail(_: np.random.Generator, values: Values) -> Values:
    return np.where(values > TAIL_STARTS_AT, 3.0 * values, values)


SCENARIOS = (
    Scenario(name="mean + 0.25 sd", column="normal", change=_shift(0.25)),
    Scenario(name="mean + 0.5 sd", column="normal", change=_shift(0.5)),
    Scenario(name="mean + 1 sd", column="normal", change=_shift(1.0)),
    Scenario(name="scale × 1.5", column="normal", change=lambda _, values: 1.5 * values),
    Scenario(name="mean + 1 sd over 48 windows", column="normal", change=_gradual, horizon=60),
    Scenario(name="shares 60:30:10 to 50:30:20", column="three_categories", change=_replaced(1 / 6, 2.0, of=0.0)),
    Scenario(name="new category, 5 %", column="twenty_unequal", change=_replaced(0.05, 999.0)),
    Scenario(name="missing 10 to 25 %", column="sometimes_missing", change=_replaced(1 / 6, np.nan)),
    Scenario(name="largest 5 % × 3", column="lognormal", change=_longer_tail),
)
