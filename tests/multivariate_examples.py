"""Tables whose columns go together, or no longer do: shared by the tests of several inputs at once."""

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.multivariate.domain_classifier import DomainClassification, measure
from monitoring_pipeline.drift.multivariate.samples import DomainReference
from monitoring_pipeline.drift.multivariate.table import Column, Table, take
from monitoring_pipeline.drift.sizes import Sizes


def tied_table(generator: np.random.Generator, rows: int) -> dict[str, Column]:
    """Distance, duration and fuel go together, and so do they with the kind of flight; wind and weight do not."""
    distance = generator.normal(size=rows)
    return {
        "distance": distance,
        "duration": distance + 0.3 * generator.normal(size=rows),
        "fuel": np.where(generator.random(rows) < 0.1, np.nan, distance + 0.3 * generator.normal(size=rows)),
        "wind": generator.normal(size=rows),
        "weight": generator.lognormal(size=rows),
        "kind": ["long" if far else "short" for far in (distance > 0).tolist()],
    }


def broken_table(generator: np.random.Generator, rows: int) -> dict[str, Column]:
    """Every feature as before, but none goes together with another."""
    table = tied_table(generator, rows)
    return {name: take({name: column}, generator.permutation(rows))[name] for name, column in table.items()}


def numbers(table: Table, name: str) -> Floats:
    column = table[name]
    assert isinstance(column, np.ndarray)
    return column


def classify(reference: Table, window: Table, *, effective_rows: float | None = None) -> DomainClassification:
    n_reference, n_window = (len(next(iter(table.values()))) for table in (reference, window))
    sizes = Sizes(reference=n_reference, window=effective_rows or n_window)
    return measure(DomainReference.fit(reference), window, sizes=sizes, alpha=0.01)
