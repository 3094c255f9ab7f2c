"""The expectations of a suite as rules that can be judged hour by hour."""

from dataclasses import dataclass
from typing import Any

from monitoring_pipeline.config.models import Severity
from monitoring_pipeline.quality.engine import great_expectations
from monitoring_pipeline.quality.verdicts import QualityResult, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An expectation with what is needed to name it and to run it.

    Args:
        sentence: true if the expectation passes; unique within its suite.
        severity: how much a breach matters.
        expectation: the Great Expectations expectation.
        columns: the columns it looks at.
        counts_rows: whether it is about the number of rows and not about each of them.
    """

    sentence: str
    severity: Severity
    expectation: Any
    columns: tuple[str, ...]
    counts_rows: bool

    @property
    def is_about_every_row(self) -> bool:
        """Whether it passes only if not one row breaks it: by default, but not with ``mostly``."""
        return bool(getattr(self.expectation, "mostly", 1) == 1)

    def result(self, *, dataset: str, window_start: int, row_count: int, outcome: int | str | None) -> QualityResult:
        """The verdict on one hour.

        Args:
            dataset: the dataset looked at.
            window_start: start of the hour, microseconds UTC.
            row_count: rows of the hour.
            outcome: the count of unexpected rows, or why there is none; ``None`` if the rows were to be counted.
        """
        verdict, detail = self._judge(row_count, outcome)
        return QualityResult(
            window_start=window_start,
            dataset=dataset,
            expectation=self.sentence,
            severity=self.severity,
            verdict=verdict,
            unexpected_count=outcome if isinstance(outcome, int) else None,
            row_count=row_count,
            detail=detail,
        )

    def _judge(self, row_count: int, outcome: int | str | None) -> tuple[Verdict, str | None]:
        if isinstance(outcome, str):
            return Verdict.ERROR, outcome
        if outcome is None:
            return self._judge_row_count(row_count)
        if outcome:
            return Verdict.FAILED, f"{outcome:,} of {row_count:,} rows break it"
        return Verdict.PASSED, None

    def _judge_row_count(self, row_count: int) -> tuple[Verdict, str | None]:
        low, high = self.expectation.min_value, self.expectation.max_value
        if (low is None or row_count >= low) and (high is None or row_count <= high):
            return Verdict.PASSED, None
        return Verdict.FAILED, f"{row_count:,} rows, expected {low or 0:,} to {'any number' if high is None else high}"


def rules_of(suite: Any) -> list[Rule]:
    """The rules of a suite, in its order.

    Raises:
        ValueError: for an expectation that has no sentence, shares one, or cannot be attributed to rows.
    """
    rules = [_rule(expectation) for expectation in suite.expectations]
    sentences = [rule.sentence for rule in rules]
    if repeated := sorted({s for s in sentences if sentences.count(s) > 1}):
        raise ValueError(f"two expectations share the sentence {repeated[0]!r}; give each its own description")
    return rules


def _rule(expectation: Any) -> Rule:
    kinds = great_expectations().expectations.expectation
    per_row = (
        kinds.ColumnMapExpectation,
        kinds.ColumnPairMapExpectation,
        kinds.MulticolumnMapExpectation,
    )
    name = expectation.expectation_type
    counts_rows = name == "expect_table_row_count_to_be_between"
    if not counts_rows and not isinstance(expectation, per_row):
        raise ValueError(f"{name} is not about single rows, so it cannot be told per hour; use a map expectation")
    if not expectation.description:
        raise ValueError(f"{name} has no description; give it a sentence that is true if it passes")
    return Rule(
        sentence=expectation.description,
        severity=Severity(expectation.severity),
        expectation=expectation,
        columns=_columns(expectation),
        counts_rows=counts_rows,
    )


def _columns(expectation: Any) -> tuple[str, ...]:
    single = [getattr(expectation, name, None) for name in ("column", "column_A", "column_B")]
    return tuple(c for c in (*single, *getattr(expectation, "column_list", ())) if c is not None)
