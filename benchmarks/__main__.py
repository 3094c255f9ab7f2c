"""``python -m benchmarks``: run benchmarks, show a table, keep the results of full runs."""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    as_of,
    dagster_runs,
    days,
    drift_speed,
    estimates,
    flights_drift,
    ingest,
    late_truth,
    late_truth_scale,
    one_hour,
    pipes,
    reconcile_sensor,
    serving,
    soak,
    sums,
)
from benchmarks.harness import Benchmark, BenchmarkError, Scale, Session
from benchmarks.report import RESULTS, Result, as_result, table, write

BENCHMARKS = {
    module.BENCHMARK.name: module.BENCHMARK
    for module in (
        ingest,
        serving,
        one_hour,
        sums,
        days,
        as_of,
        reconcile_sensor,
        dagster_runs,
        late_truth,
        late_truth_scale,
        estimates,
        drift_speed,
        flights_drift,
        pipes,
        soak,
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if a measurement failed. A missed target is a result, not a failure."""
    options = _options(arguments)
    scale = Scale(options.scale)
    folder = options.results or (RESULTS if scale is Scale.FULL else None)
    results = []
    for name in options.names or BENCHMARKS:
        try:
            result = _run(BENCHMARKS[name], scale)
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
        if folder is not None:
            write(result, folder)
        results.append(result)
        if not options.json:
            print(table(result), end="\n\n", flush=True)
    if options.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    if folder is None:
        print("not kept: only full runs are, unless --results names a folder", file=sys.stderr)
    return 0


def _run(benchmark: Benchmark, scale: Scale) -> Result:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="monitoring-bench-", ignore_cleanup_errors=True) as folder:
        session = Session(name=benchmark.name, sizes=benchmark.sizes[scale], folder=Path(folder))
        environment = session.apart("environment.describe", "versions and disk", folder=folder)
        del environment["peak_memory_bytes"]
        benchmark.measure(session)
        environment["load_average_after"] = round(os.getloadavg()[0], 2)
    elapsed = time.monotonic() - started
    return as_result(benchmark, session, scale=scale, environment=environment, elapsed_seconds=elapsed)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure what the program costs.",
        epilog="\n".join(["benchmarks:", *map(_described, BENCHMARKS.values())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="of those below; default: all of them")
    parser.add_argument("--quick", dest="scale", action="store_const", const="quick", help="small sizes, not kept")
    parser.add_argument("--scale", choices=[scale.value for scale in Scale], help="default: full, which has targets")
    parser.add_argument("--json", action="store_true", help="JSON on stdout instead of tables")
    parser.add_argument("--results", type=Path, help="keep results here; default: benchmarks/results, full runs only")
    parser.set_defaults(scale="full")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return options


def _described(benchmark: Benchmark) -> str:
    takes = f"\n{'':20}takes {benchmark.takes}" if benchmark.takes else ""
    return f"  {benchmark.name:18}{benchmark.question}{takes}"


if __name__ == "__main__":
    sys.exit(main())
