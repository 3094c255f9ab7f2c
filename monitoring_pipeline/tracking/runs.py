"""MLflow runs of one model's experiment: found by tag, made, filled, removed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from monitoring_pipeline.tracking.content import DayContent
from monitoring_pipeline.tracking.names import day_name, experiment_name
from monitoring_pipeline.tracking.server import Tracking
from monitoring_pipeline.windows import DAY_MICROS, Grain

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DAY_TAG = "day"
HASH_TAG = "content_hash"

# MLflow takes 1,000 metrics, parameters and tags together in one request.
POINTS_PER_REQUEST = 900


# Without it the UI takes the experiment for one about language models and hides the charts of its runs.
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRuns:
    """The experiment of one model, with one run per day.

    All methods raise ``MlflowException`` if MLflow refuses or does not answer.
    """

    client: "MlflowClient"
    experiment_id: str
    model_id: str

    @classmethod
    def open(cls, tracking: Tracking, model_id: str) -> Self:
        """Find the model's experiment; make it if it is not there, restore it if it was deleted."""
        client = tracking.client()
        name = experiment_name(model_id)
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            return cls(client=client, experiment_id=_make_experiment(tracking, name), model_id=model_id)
        if experiment.lifecycle_stage == "deleted":
            # A deleted experiment keeps its name, so a new one could not be made.
            client.restore_experiment(experiment.experiment_id)
        return cls(client=client, experiment_id=experiment.experiment_id, model_id=model_id)

    def by_day(self, days: Iterable[int]) -> dict[int, list["Run"]]:
        """The runs of each day, the one to keep first. More than one is left by two writers at once."""
        wanted = {day_name(day): day for day in days}
        starts = [day // 1000 for day in wanted.values()]
        query = f"attributes.start_time >= {min(starts)} AND attributes.start_time <= {max(starts)}"
        found: dict[int, list[Run]] = defaultdict(list)
        token: str | None = None
        while True:
            page = self.client.search_runs([self.experiment_id], query, page_token=token)
            for run in page:
                if (day := wanted.get(run.data.tags.get(DAY_TAG, ""))) is not None:
                    found[day].append(run)
            token = page.token
            if not token:
                return {day: sorted(runs, key=lambda run: run.info.run_id) for day, runs in found.items()}

    def make(self, day: int, params: Mapping[str, str]) -> str:
        """A new run of a day, without points yet; it bears the window's own start and end."""
        tags = {"model_id": self.model_id, DAY_TAG: day_name(day), "grain": Grain.DAY.value}
        run = self.client.create_run(self.experiment_id, start_time=day // 1000, run_name=day_name(day), tags=tags)
        entities = _entities()
        self.client.log_batch(run.info.run_id, params=[entities.Param(key, value) for key, value in params.items()])
        self.client.set_terminated(run.info.run_id, end_time=(day + DAY_MICROS) // 1000)
        return str(run.info.run_id)

    def fill(self, run_id: str, content: DayContent, tags: Mapping[str, str]) -> None:
        """Log the points, then the tags: a run that bears a content's hash bears all its points."""
        entities = _entities()
        for start in range(0, len(content.points), POINTS_PER_REQUEST):
            chunk = content.points[start : start + POINTS_PER_REQUEST]
            self.client.log_batch(run_id, metrics=[entities.Metric(p.key, p.value, p.timestamp, p.step) for p in chunk])
        marks = {**tags, HASH_TAG: content.content_hash}
        self.client.log_batch(run_id, tags=[entities.RunTag(key, value) for key, value in marks.items()])

    def remove(self, runs: Iterable["Run"]) -> None:
        """Delete runs; MLflow keeps them in its bin."""
        for run in runs:
            self.client.delete_run(run.info.run_id)


def _make_experiment(tracking: Tracking, name: str) -> str:
    location = None if tracking.artifact_root is None else (tracking.artifact_root / name).as_uri()
    client, exceptions = tracking.client(), import_module("mlflow.exceptions")
    try:
        return str(client.create_experiment(name, artifact_location=location, tags=EXPERIMENT_TAGS))
    except exceptions.MlflowException:
        # Someone else may have made it between our question and our order.
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            raise
        return str(experiment.experiment_id)


def _entities() -> Any:
    return import_module("mlflow.entities")
