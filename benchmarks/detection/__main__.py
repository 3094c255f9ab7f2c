"""``python -m benchmarks.detection``: judge streams whose truth is known, keep the result and write its page."""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.detection import false_alarms, page, power, questions
from benchmarks.detection.false_alarms import ALPHAS, Alarms, Measured, Sizes
from benchmarks.detection.plan import PLANS, Plan
from benchmarks.detection.power import Detection
from benchmarks.detection.streams import COLUMNS, GRADUAL_WINDOWS, SCENARIOS, SEED
from benchmarks.harness import ROOT, STARTED
from benchmarks.measured.environment import describe
from benchmarks.report import RESULTS

PAGE = ROOT / "docs/explanation/detection.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the plan, print the tables, and keep the result of a full run."""
    options = _options(arguments)
    plan = PLANS[options.scale]
    with tempfile.TemporaryDirectory(prefix="monitoring-detection-", ignore_cleanup_errors=True) as folder:
        result = measure(plan, [] if options.alone else peers.installed(), Path(folder), scale=options.scale)
    print(page.tables(result))
    results = options.results or (RESULTS if options.scale == "full" else None)
    if results is None:
        print("not kept: only full runs are, unless --results names a folder", file=sys.stderr)
        return 0
    results.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    (results / "detection.json").write_text(text + "\n", encoding="utf-8")
    if options.scale == "full":
        PAGE.write_text(page.put_in(PAGE.read_text(encoding="utf-8"), page.tables(result)), encoding="utf-8")
    return 0


def measure(plan: Plan, asked: Sequence[str], folder: Path, *, scale: str) -> dict[str, Any]:
    """Both parts, as JSON."""
    started = time.monotonic()
    environment = describe(str(folder))
    del environment["synced_write_milliseconds"]
    stationary: list[Alarms] = []
    changing: list[Detection] = []
    for number, sizes in enumerate(plan.false_alarms):
        alarms, measured = _false_alarms(sizes, plan, plan.asked_of(sizes, asked), folder / f"alarms-{number}")
        stationary.append(alarms)
        streams = plan.streams(sizes)
        if streams is not None:
            changing += _detections(streams, alarms, measured, asked, folder / f"streams-{number}")
    return {
        "benchmark": "detection",
        "scale": scale,
        **environment,
        "elapsed_seconds": round(time.monotonic() - started, 1),
        "seed": SEED,
        "columns": list(COLUMNS),
        "alphas": list(ALPHAS),
        "gradual_windows": GRADUAL_WINDOWS,
        "peers": list(asked),
        "false_alarms": [_alarms_as_json(alarms) for alarms in stationary],
        "detection": [_detection_as_json(detection) for detection in changing],
    }


def _false_alarms(sizes: Sizes, plan: Plan, asked: Sequence[str], folder: Path) -> tuple[Alarms, Measured]:
    _say(f"{sizes.rows:,} rows against {sizes.reference_rows:,}: false alarms")
    with ThreadPoolExecutor(max_workers=1) as pool:
        # Peers work in their own processes while this one judges.
        of_peers = pool.submit(questions.ask, asked, [false_alarms.question(plan.of_peers(sizes))], folder)
        alarms, measured = false_alarms.count(sizes)
        for peer, answers in of_peers.result().items():
            (answer,) = answers.values()
            alarms.flags[f"{peer} default"] = false_alarms.flags_of_peer(answer)
    return alarms, measured


def _detections(
    sizes: Sizes, alarms: Alarms, measured: Measured, asked: Sequence[str], folder: Path
) -> list[Detection]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        of_peers = pool.submit(
            questions.ask, asked, (power.question(scenario, sizes) for scenario in SCENARIOS), folder
        )
        found = []
        for scenario in SCENARIOS:
            _say(f"{sizes.rows:,} rows: {scenario.name}")
            breaking = alarms.breaking(scenario.column)
            found.append(power.detect(scenario, sizes, measured, breaking=breaking))
        for peer, answers in of_peers.result().items():
            for detection, answer in zip(found, answers.values(), strict=True):
                detection.firsts[f"{peer} default"] = power.firsts_of_peer(detection.scenario, answer)
    return found


def _alarms_as_json(alarms: Alarms) -> dict[str, Any]:
    sizes = alarms.sizes
    return {
        "rows": sizes.rows,
        "reference_rows": sizes.reference_rows,
        "references": sizes.references,
        "ours_not_enough_data": round(alarms.not_enough, 4),
        "methods": alarms.rows(),
    }


def _detection_as_json(detection: Detection) -> dict[str, Any]:
    return {
        "scenario": detection.scenario.name,
        "column": detection.scenario.column,
        "rows": detection.rows,
        "windows_looked_at": detection.scenario.horizon,
        "methods": detection.figures(),
    }


def _say(what: str) -> None:
    print(f"{time.monotonic() - STARTED:6.1f} s  detection: {what}", file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description="Measure drift detection.")
    parser.add_argument("--scale", choices=list(PLANS), default="full", help="default: full, which is kept")
    parser.add_argument("--alone", action="store_true", help="without the peers, also where they are installed")
    parser.add_argument(
        "--results", type=Path, help="keep the result here; default: benchmarks/results, full runs only"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
