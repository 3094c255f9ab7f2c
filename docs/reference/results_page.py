"""``results.md``: the rows of ``--json``; enumerations and metric names come from the code."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from row_meanings import (
    ACQUITTAL,
    DRIFT_REASONS,
    GROUP,
    INTRODUCTION,
    MEASURES,
    NOT_DECOMPOSED,
    NOT_ESTIMATED,
    ROWS,
    SILENCE,
    UNDEFINED,
)

from monitoring_pipeline.alerts.vocabulary import Acquittal, Silence
from monitoring_pipeline.config.references import COUNTS
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftReason
from monitoring_pipeline.performance.estimation.values import EstimationReason
from monitoring_pipeline.performance.registry import KINDS, TASKS
from monitoring_pipeline.performance.root_cause.values import NotDecomposed
from monitoring_pipeline.performance.values import UndefinedReason


def render() -> str:
    """The page.

    Raises:
        LookupError: if a member of an enumeration has no meaning, or a meaning no member.
    """
    return "\n".join(
        [
            INTRODUCTION,
            _table("## The window and group of a row", "key", GROUP),
            *(_table(f"## {title}\n\n{about}", "key", keys) for title, about, keys in ROWS),
            "## Names\n",
            *(f"- {_who(name)}: {_names(metric.__name__ for metric in kind.metrics)}" for name, kind in KINDS.items()),
            "- for each field in a model's `resources`: `<name>_mean`, `<name>_max`",
            f"- what a rule may watch besides: {_names(COUNTS)}\n",
            _FORMULAS,
            _table("### `undefined_reason` of a metric", "reason", _complete(UndefinedReason, UNDEFINED)),
            _table(
                "### `measure` of a drift result, and the unit of its `value`", "measure", _complete(Measure, MEASURES)
            ),
            _table("### `reason` of a drift result", "reason", _complete(DriftReason, DRIFT_REASONS)),
            _table(
                "### `undefined_reason` of an estimate, beside those of its metric",
                "reason",
                _complete(EstimationReason, NOT_ESTIMATED),
            ),
            _table("### Why `monitor explain` has no rows", "reason", _complete(NotDecomposed, NOT_DECOMPOSED)),
            _table(
                "### `reason` of a finding that is neither breach nor ok\n\nIn the table `findings`; where a metric "
                "has no value, that metric's reason.",
                "reason",
                _complete(Silence, SILENCE),
            ),
            _table(
                "### `reason` of a finding that is ok although its value is beyond the bound",
                "reason",
                _complete(Acquittal, ACQUITTAL),
            ),
        ]
    )


_FORMULAS = (
    "Formulas: [performance](../explanation/performance.md), [operations](../explanation/operations.md), "
    "[business](../explanation/business.md), [labels](../explanation/label-maturity.md), "
    "[drift](../explanation/drift.md).\n"
)


def _who(kind: str) -> str:
    return f"metrics of a **{kind}** model" if kind in TASKS else f"metrics of **{kind}**, whatever the task"


def _complete(members: type[StrEnum], meanings: Mapping[str, str]) -> Mapping[str, str]:
    names = [member.value for member in members]
    if set(names) != set(meanings):
        raise LookupError(f"{members.__name__} has {sorted(names)}; row_meanings.py describes {sorted(meanings)}")
    return {name: meanings[name] for name in names}


def _table(heading: str, first: str, meanings: Mapping[str, str]) -> str:
    rows = [f"| `{key}` | {meaning} |" for key, meaning in meanings.items()]
    return "\n".join([f"{heading}\n", f"| {first} | meaning |", "|---|---|", *rows, ""])


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
