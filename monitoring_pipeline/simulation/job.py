"""A simulation as a process of its own: ``python -m monitoring_pipeline.simulation.job FOLDER``.

The folder says what is asked for (``request.json``); what comes of it is written beside it: ``progress.json`` after
each simulated day, and in the end ``outcome.json`` or ``failure.json``. Its home is the folder ``home`` in it.
"""

import fcntl
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

from monitoring_pipeline.errors import MonitorError

REQUEST, PROGRESS, OUTCOME, FAILURE = "request.json", "progress.json", "outcome.json", "failure.json"
NICENESS = 10  # whoever started it has other work, too


def hold(file: IO[str]) -> bool:
    """Take the lock on an open file, unless somebody has it; it is given back when the last copy is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run_job(folder: Path) -> None:
    """Run what the folder asks for."""
    from monitoring_pipeline.simulation.scenarios import scenario_named, simulate  # noqa: PLC0415 - heavy; the server reads only the names above
    from monitoring_pipeline.simulation.scenarios.ticks import tick_count  # noqa: PLC0415 - as above

    request = json.loads((folder / REQUEST).read_bytes())
    try:
        scenario = scenario_named(request["scenario"], **request["settings"])
        progress = {"ticks_done": 0, "tick_count": tick_count(scenario)}

        def on_tick(_tick: object) -> None:
            _write(folder / PROGRESS, progress)
            progress["ticks_done"] += 1

        outcome = simulate(scenario, home=folder / "home", on_tick=on_tick)
    except MonitorError as error:
        told = str(error).replace(str(folder.resolve()), folder.name)  # who asks need not know this machine's folders
        _write(folder / FAILURE, {"error": told})
        return
    _write(folder / PROGRESS, progress)
    _write(folder / OUTCOME, outcome.as_json())


def _write(file: Path, content: dict[str, Any]) -> None:
    """Whole or not at all: somebody may be reading it."""
    passing = file.with_suffix(".tmp")
    passing.write_text(json.dumps(content), encoding="utf-8")
    passing.replace(file)


if __name__ == "__main__":
    os.nice(NICENESS)
    run_job(Path(sys.argv[1]))
