"""One hour after another through the hourly stages."""

from typing import Any

from benchmarks.measured import stages, workload
from monitoring_pipeline.windows import HOUR_MICROS


def compute(home: str, hours: int, warm_up: int) -> dict[str, Any]:
    """Seconds of each stage for each of the hours that follow the warm-up."""
    installation = workload.open_home(home, now=workload.START + hours * HOUR_MICROS)
    starts = [workload.START + hour * HOUR_MICROS for hour in range(hours)]
    runs = [stages.run(stages.HOURLY, installation.pipeline, [start], only_due=False) for start in starts]
    return {"seconds": {name: [run[name] for run in runs[warm_up:]] for name in stages.HOURLY}}
