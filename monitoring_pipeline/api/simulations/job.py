"""What is known of a simulation: all of it is in its folder, so every worker of a server answers alike."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from monitoring_pipeline.simulation.job import FAILURE, OUTCOME, PROGRESS, REQUEST

JOB_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A simulation that was asked for.

    Attributes:
        job_id: its name.
        scenario: what happens in it.
        settings: those that were asked for.
        started_at: ISO 8601.
        state: running, finished, failed, or interrupted: its process ended without a word.
        ticks_done: simulated days so far.
        tick_count: simulated days in all; ``None`` until it is known.
        outcome: what the monitor noticed, once it is finished; without its home's path.
        error: why it failed.
    """

    job_id: str
    scenario: str
    settings: dict[str, Any]
    started_at: str
    state: str
    ticks_done: int
    tick_count: int | None
    outcome: dict[str, Any] | None
    error: str | None

    @classmethod
    def read(cls, folder: Path, *, is_running: bool) -> "Job | None":
        """The job whose folder this is; ``None`` if it is none.

        Args:
            folder: of the job.
            is_running: asked before this, for the outcome may be written in between.
        """
        request = _read(folder / REQUEST)
        if request is None:
            return None
        outcome, failure = _read(folder / OUTCOME), _read(folder / FAILURE)
        progress = _read(folder / PROGRESS) or {}
        if outcome is not None:
            state = "finished"
            outcome.pop("home", None)  # a path of this machine
        elif failure is not None:
            state = "failed"
        else:
            state = "running" if is_running else "interrupted"
        return cls(
            job_id=folder.name,
            scenario=request["scenario"],
            settings=request["settings"],
            started_at=request["started_at"],
            state=state,
            ticks_done=progress.get("ticks_done", 0),
            tick_count=progress.get("tick_count"),
            outcome=outcome,
            error=None if failure is None else failure["error"],
        )


def _read(file: Path) -> dict[str, Any] | None:
    try:
        return dict(orjson.loads(file.read_bytes()))
    except FileNotFoundError:
        return None
