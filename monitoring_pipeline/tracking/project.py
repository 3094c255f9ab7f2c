"""Showing days in MLflow: one run per model and day, made from the results in SQL.

Nothing here can stop the pipeline: a day that could not be shown is reported and stays due, and the next
call heals it. MLflow is asked what it holds before anything is sent, so a lost or wiped run is made anew,
and a crash between making a run and recording it does not make two.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.tracking.content import DayContent, day_contents
from monitoring_pipeline.tracking.record import record
from monitoring_pipeline.tracking.report import DayOutcome, ProjectionReport, ProjectionState
from monitoring_pipeline.tracking.runs import HASH_TAG, ModelRuns
from monitoring_pipeline.tracking.server import Tracking

if TYPE_CHECKING:
    from mlflow.entities import Run

# A month of one model is read, searched for and recorded together.
DAYS_PER_BATCH = 31

# Answers about one request, not about the server: the next day may fare better.
_REFUSALS = {
    "BAD_REQUEST",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
}

_NO_DECLARATIONS: Mapping[str, Model] = MappingProxyType({})


def project_days(
    engine: Engine,
    tracking: Tracking,
    days: Iterable[tuple[str, int]],
    *,
    clock: Clock,
    declarations: Mapping[str, Model] = _NO_DECLARATIONS,
) -> ProjectionReport:
    """Make MLflow show these days.

    After the first sign that MLflow is down the rest is reported ``unavailable`` without asking again.

    Args:
        engine: the store with the results.
        tracking: where MLflow is.
        days: pairs of model_id and start of a day, microseconds UTC; order and repetition do not matter.
        clock: when it was logged.
        declarations: by model_id, for the runs' parameters; an absent model is marked undeclared.

    Returns:
        What became of each day.

    Raises:
        MonitorError: if the store cannot be used; MLflow's troubles never raise.
    """
    batches = list(_batches(days))
    available = bool(batches) and tracking.answers()
    outcomes: list[DayOutcome] = []
    for model_id, batch in batches:
        if not available:
            outcomes += _unavailable(model_id, batch, "MLflow does not answer")
            continue
        with reading(engine) as connection:
            contents = day_contents(connection, model_id, batch)
        done = _show(tracking, model_id, contents, declarations.get(model_id))
        available = not any(outcome.state is ProjectionState.UNAVAILABLE for outcome in done)
        record(engine, tracking, contents, done, now=clock())
        outcomes += done
    return ProjectionReport(outcomes=tuple(outcomes))


def _batches(days: Iterable[tuple[str, int]]) -> Iterator[tuple[str, list[int]]]:
    by_model: dict[str, set[int]] = defaultdict(set)
    for model_id, day in days:
        by_model[model_id].add(day)
    for model_id, of_model in sorted(by_model.items()):
        ordered = sorted(of_model)
        for start in range(0, len(ordered), DAYS_PER_BATCH):
            yield model_id, ordered[start : start + DAYS_PER_BATCH]


def _unavailable(model_id: str, days: Iterable[int], detail: str) -> list[DayOutcome]:
    return [DayOutcome(model_id=model_id, day=day, state=ProjectionState.UNAVAILABLE, detail=detail) for day in days]


def _show(
    tracking: Tracking, model_id: str, contents: Mapping[int, DayContent], declaration: Model | None
) -> list[DayOutcome]:
    done: list[DayOutcome] = []
    try:
        runs = ModelRuns.open(tracking, model_id)
        found = runs.by_day(contents)
        for day, content in contents.items():
            done.append(_show_day(runs, day, content, found.get(day, []), declaration))
    except (SQLAlchemyError, OSError) as error:
        detail = f"MLflow's store cannot be used ({type(error).__name__})"
    except _mlflow_exception() as error:
        detail = _describe(error)
    else:
        return done
    return [*done, *_unavailable(model_id, list(contents)[len(done) :], detail)]


def _show_day(
    runs: ModelRuns, day: int, content: DayContent, found: Sequence["Run"], declaration: Model | None
) -> DayOutcome:
    try:
        state, run_id = _reconcile(runs, day, content, found, declaration)
    except _mlflow_exception() as error:
        if error.error_code not in _REFUSALS:
            raise
        return DayOutcome(model_id=runs.model_id, day=day, state=ProjectionState.REFUSED, detail=_describe(error))
    return DayOutcome(model_id=runs.model_id, day=day, state=state, run_id=run_id, point_count=len(content.points))


def _reconcile(
    runs: ModelRuns, day: int, content: DayContent, found: Sequence["Run"], declaration: Model | None
) -> tuple[ProjectionState, str | None]:
    """Bring what MLflow holds of a day to what it should hold."""
    if not content.points:
        runs.remove(found)
        return ProjectionState.EMPTY, None
    runs.remove(found[1:])
    kept = found[0] if found else None
    if kept is not None and kept.data.tags.get(HASH_TAG) == content.content_hash:
        return ProjectionState.UNCHANGED, kept.info.run_id
    if kept is not None and content.withdrawn:
        runs.remove([kept])
        kept = None
    about = _about(declaration)
    # Parameters cannot be changed in MLflow; the tags of the same names say what holds now.
    run_id = runs.make(day, about) if kept is None else kept.info.run_id
    runs.fill(run_id, content, about)
    return ProjectionState.LOGGED, run_id


def _about(declaration: Model | None) -> dict[str, str]:
    if declaration is None:
        return {"task": "undeclared", "config_fingerprint": "undeclared"}
    fingerprint = hashlib.sha256(declaration.model_dump_json().encode()).hexdigest()[:16]
    return {"task": declaration.task.value, "config_fingerprint": fingerprint}


def _mlflow_exception() -> Any:
    return import_module("mlflow.exceptions").MlflowException


def _describe(error: Any) -> str:
    # Its text may quote the address with its password.
    return f"MLflow answered {error.error_code}"
