"""Progress on stderr: bars on a terminal, a line per piece of work where there is none."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from monitoring_pipeline.cli.output import say


class Stages:
    """Work in stages, each of a known number of steps."""

    def stage(self, name: str, steps: int) -> None:
        """A new stage begins; the one before is done."""
        say(name if steps == 1 else f"{name} ({steps} steps)")

    def step(self, detail: str) -> None:
        """The next step of the stage begins."""
        say(f"  {detail}")

    def done(self) -> None:
        """All stages are done."""


class _Bars(Stages):
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._started = 0

    def stage(self, name: str, steps: int) -> None:
        self.done()
        self._task, self._started = self._bars.add_task(name, total=steps, detail=""), 0

    def step(self, detail: str) -> None:
        assert self._task is not None, "a step belongs to a stage"
        self._bars.update(self._task, completed=self._started, detail=detail)
        self._started += 1

    def done(self) -> None:
        if self._task is not None:
            total = self._bars.tasks[self._task].total
            self._bars.update(self._task, completed=total, detail="")


@contextmanager
def stages() -> Iterator[Stages]:
    """Show stages of work until the block ends."""
    if not sys.stderr.isatty():
        yield Stages()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        shown = _Bars(bars)
        yield shown
        shown.done()
