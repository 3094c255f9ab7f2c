"""A row's inputs as numbers: features, categories as columns of their own, and what the model said."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from monitoring_pipeline.config.models import FeatureType, Task
from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.multivariate.encode import frequent_categories
from monitoring_pipeline.drift.multivariate.table import category_codes
from monitoring_pipeline.stages.drifting.subjects import PREDICTION
from monitoring_pipeline.stages.drifting.truth.outcomes import scores
from monitoring_pipeline.stages.drifting.truth.reference import LabelledReference
from monitoring_pipeline.stages.drifting.values import column_of, numbers
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX, texts
from monitoring_pipeline.text import one_line

MOST_CATEGORIES = 10
"""Of one feature, each a column of its own; the rest share one."""

OTHERS, MISSING = "(others)", "(none)"
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input.

    Attributes:
        name: what rules call it.
        column: where hour files keep it; ``None``: it is what a yes/no model says.
        categories: the frequent ones, each of which becomes a column; ``None`` for numbers.
        boolean: whether 1, true and "True" are one category.
    """

    name: str
    column: str | None
    categories: tuple[str, ...] | None = None
    boolean: bool = False

    def encode(self, rows: pa.Table) -> Floats:
        """Rows × columns; a number that is missing is NaN, a missing category has a column."""
        if self.column is None:
            return scores(rows)[:, None]
        column = column_of(rows, self.column)
        if self.categories is None:
            return numbers(column)[:, None]
        codes = category_codes(texts(column, boolean=self.boolean), self.categories)
        encoded: Floats = (codes[:, None] == np.arange(len(self.categories) + 2)).astype(np.float64)
        return encoded

    @property
    def columns(self) -> list[tuple[str, str | None]]:
        """The name of each column's input, and the category that it stands for, if it does."""
        if self.categories is None:
            return [(self.name, None)]
        return [
            (self.name, one_line(category, max_length=_LONGEST_NAME))
            for category in (*self.categories, OTHERS, MISSING)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """All inputs of a model, with the categories that its reference knows."""

    inputs: tuple[Input, ...]

    @classmethod
    def learn(cls, reference: LabelledReference, task: Task) -> Self:
        """The inputs that the reference knows, and the prediction: rows alike in it can be missed alike."""
        return cls(inputs=tuple(_learned(reference, task)))

    def encode(self, rows: pa.Table) -> Floats:
        """Rows × columns."""
        return np.concatenate([known.encode(rows) for known in self.inputs], axis=1)

    @property
    def tokens(self) -> list[str]:
        """A name for each column that no category can look like."""
        return [f"\0{position}\0" for position in range(len(self._columns))]

    def in_words(self, rule: str) -> str:
        """A rule on tokens, with the names in their place: ``carrier = UA and distance > 500``."""
        columns, words = self._columns, []
        conditions = [part.split("\0") for part in rule.split(" and ")]
        # One category rules out the others of its input.
        settled = {columns[int(c[1])][0] for c in conditions if len(c) > 1 and _is_this_category(c, columns)}
        for condition in conditions:
            if len(condition) == 1:
                return rule  # all rows
            name, category = columns[int(condition[1])]
            if category is None:
                words.append(f"{condition[0]}{name}{condition[2]}")
            elif _is_this_category(condition, columns):
                words.append(f"{name} = {category}")
            elif name not in settled:
                words.append(f"{name} ≠ {category}")
        return " and ".join(words)

    @property
    def _columns(self) -> list[tuple[str, str | None]]:
        return [column for known in self.inputs for column in known.columns]


def _is_this_category(condition: Sequence[str], columns: Sequence[tuple[str, str | None]]) -> bool:
    """Whether a condition's column stands for a category, and its row has it: 1 and not 0."""
    return columns[int(condition[1])][1] is not None and condition[2].startswith(" >")


def _learned(reference: LabelledReference, task: Task) -> Iterator[Input]:
    rows = reference.sample.table
    for name, kind in reference.features:
        column = FEATURE_PREFIX + name
        if kind is FeatureType.NUMERIC:
            yield Input(name=name, column=column)
        else:
            boolean = kind is FeatureType.BOOLEAN
            yield Input(name=name, column=column, categories=_frequent(rows, column, boolean=boolean), boolean=boolean)
    if task is Task.MULTICLASS:
        yield Input(name=PREDICTION, column="predicted_class", categories=_frequent(rows, "predicted_class"))
    else:
        yield Input(name=PREDICTION, column=None if task is Task.BINARY else "predicted_value")


def _frequent(rows: pa.Table, column: str, *, boolean: bool = False) -> tuple[str, ...]:
    return frequent_categories(Counter(texts(column_of(rows, column), boolean=boolean)), MOST_CATEGORIES)
