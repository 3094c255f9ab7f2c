"""``results.md``: the rows of ``--json``; enumerations and metric names come from the code."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from row_meanings import DRIFT_REASONS, GROUP, INTRODUCTION, MEASURES, ROWS, UNDEFINED

from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftReason
from monitoring_pipeline.performance.registry import KINDS
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
            *(
                f"- metrics of a **{task}** model: {_names(metric.__name__ for metric in kind.metrics)}"
                for task, kind in KINDS.items()
            ),
            "- what a rule may watch besides: `coverage`, `drifted_features`\n",
            "Formulas: [performance](../explanation/performance.md), [drift](../explanation/drift.md).\n",
            _table("### `undefined_reason` of a metric", "reason", _complete(UndefinedReason, UNDEFINED)),
            _table(
                "### `measure` of a drift result, and the unit of its `value`", "measure", _complete(Measure, MEASURES)
            ),
            _table("### `reason` of a drift result", "reason", _complete(DriftReason, DRIFT_REASONS)),
        ]
    )


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
