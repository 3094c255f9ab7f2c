"""Results as JSON and as a table. Nothing in them names a machine, a user or a folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import Benchmark, Scale, Session

RESULTS = Path(__file__).resolve().parent / "results"

Result = Mapping[str, Any]


def as_result(
    benchmark: Benchmark, session: Session, *, scale: Scale, environment: Mapping[str, Any], elapsed_seconds: float
) -> Result:
    """The whole of one benchmark, ready for JSON."""
    return {
        "benchmark": benchmark.name,
        "question": benchmark.question,
        "scale": scale.value,
        **environment,
        "elapsed_seconds": round(elapsed_seconds, 1),
        "sizes": dict(session.sizes),
        "figures": [figure.as_json(judged=scale is Scale.FULL) for figure in session.figures],
        "facts": session.facts,
    }


def write(result: Result, folder: Path) -> None:
    """One file per benchmark; the last run stands."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False)
    (folder / f"{result['benchmark']}.json").write_text(text + "\n", encoding="utf-8")


def table(result: Result) -> str:
    """What a person reads."""
    figures = [_row(figure) for figure in result["figures"]]
    header = ["", "unit", "runs", "min", "median", "max", "target"]
    widths = [max(len(row[i]) for row in [header, *figures]) for i in range(len(header))]
    sizes = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in result["sizes"].items())
    facts = [f"  {name}: {value}" for name, value in result["facts"].items()]
    lines = [f"{result['benchmark']}: {result['question']}", f"  {sizes}", _line(header, widths)]
    return "\n".join([*lines, *(_line(row, widths) for row in figures), *facts])


def _row(figure: Mapping[str, Any]) -> list[str]:
    numbers = [_number(figure[name]) for name in ("min", "median", "max")]
    return [figure["name"], figure["unit"], str(figure["runs"]), *numbers, _verdict(figure["target"])]


def _verdict(target: Mapping[str, Any] | None) -> str:
    if target is None:
        return ""
    if "met" not in target:
        return f"{target['bound']} (not judged at these sizes)"
    return f"{target['bound']}: {'met' if target['met'] else 'MISSED'}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.4g}"


def _line(row: list[str], widths: list[int]) -> str:
    cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
    cells += [row[i].rjust(widths[i]) for i in range(2, 6)]
    return ("  " + "  ".join([*cells, row[6]])).rstrip()
