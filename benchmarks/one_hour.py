"""The compute of one hour, without Dagster."""

from benchmarks.harness import Benchmark, Scale, Session, Target

WARM_UP_HOURS = 2
SEGMENTS = ["carrier", "origin"]  # 16 and 3 values

# Great Expectations costs a fixed time per validation whatever the rows, so it is shown and judged apart.
APART = "data_quality"

AT_MOST = Target(bound=50)


def measure(session: Session) -> None:
    """New hours of one model through all hourly stages, whole and split by two segments."""
    for case, segments in (("no segments", []), ("two segments", SEGMENTS)):
        _measure_case(session, case, segments)


def _measure_case(session: Session, case: str, segments: list[str]) -> None:
    hours = session.sizes["runs"] + WARM_UP_HOURS
    home = str(session.folder / case)
    session.apart(
        "workload.prepare",
        f"{case}: landing events",
        home=home,
        models=1,
        hours=hours,
        rows_per_hour=session.sizes["rows"],
        segments=segments,
        reference_rows=session.sizes["reference_rows"],
    )
    result = session.apart(
        "one_hour.compute", f"{case}: computing hours", home=home, hours=hours, warm_up=WARM_UP_HOURS
    )
    of_stage = {name: [seconds * 1e3 for seconds in values] for name, values in result["seconds"].items()}
    for name, values in of_stage.items():
        session.add(f"{case}: {name}", "ms", values)
    fixed = of_stage.pop(APART)
    totals = [sum(values) for values in zip(*of_stage.values(), strict=True)]
    session.add(f"{case}: all but {APART}", "ms", totals, target=AT_MOST)
    session.add(f"{case}: all", "ms", [total + quality for total, quality in zip(totals, fixed, strict=True)])
    session.add_peak(case, [result])


BENCHMARK = Benchmark(
    name="one_hour",
    question="How long does it take to compute one hour of one model, from its events to its findings?",
    sizes={
        Scale.FULL: {"rows": 1_400, "features": 8, "reference_rows": 50_000, "runs": 20},
        Scale.QUICK: {"rows": 1_400, "features": 8, "reference_rows": 50_000, "runs": 3},
        Scale.TINY: {"rows": 20, "features": 8, "reference_rows": 100, "runs": 2},
    },
    measure=measure,
)
