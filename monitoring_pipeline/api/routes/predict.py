"""``POST /monitor/predict``: log one prediction, made by the caller or by the service that its model names.

``POST /predict`` stands before a model's own service: the whole body is the features.
"""

import asyncio
from http import HTTPStatus
from secrets import token_hex
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field

from monitoring_pipeline.access.scopes import Caller
from monitoring_pipeline.api.callers import Appender
from monitoring_pipeline.api.chosen import model_to_log
from monitoring_pipeline.api.ingest.intake import SOURCE
from monitoring_pipeline.api.predicting.input_remarks import FeatureRemark, input_remarks
from monitoring_pipeline.api.predicting.model_service import ask_model
from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.api.service import Service, ServiceOf
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.events.submissions import Outcome, QueueFullError, WriterStoppedError
from monitoring_pipeline.windows import isoformat

router = APIRouter(tags=["monitor"])

_OF_THE_MODEL: dict[int | str, dict[str, Any]] = {
    502: {"description": "The model's service cannot be asked, or answers without a prediction; nothing was stored."},
    504: {"description": "The model's service took too long; nothing was stored."},
}


class PredictionToLog(BaseModel):
    """A prediction; further members are segment and business fields that the model declares."""

    model_config = ConfigDict(
        extra="allow",
        protected_namespaces=(),
        json_schema_extra={"example": {"features": {"f0": 1.5, "f1": 2.3, "f2": 0.8}, "ground_truth": 1}},
    )

    features: dict[str, Any] = Field(description="The inputs, by name.")
    ground_truth: float | str | None = Field(None, description="The truth, where it is known already.")
    prediction: float | str | None = Field(
        None, description="What the model said. Left out: the model's own service is asked (see serving in the config)."
    )
    prediction_proba: float | None = None
    probabilities: dict[str, float] | None = None
    confidence: float | None = None
    latency_ms: float | None = None
    prediction_id: str | None = Field(None, description="Sent again with it, it counts once. Left out: made up.")
    timestamp: str | None = Field(None, description="When it was predicted. Left out: now.")
    model_id: str | None = Field(None, description="Left out: the only declared model of the token.")
    model_version: str | None = None
    environment: str | None = None
    predicted_value: float | str | None = Field(None, description="Another name of prediction.")
    actual_value: float | str | None = Field(None, description="Another name of ground_truth.")


class Logged(BaseModel):
    """What became of it."""

    model_config = ConfigDict(protected_namespaces=())

    model_id: str
    prediction_id: str
    stored: bool = Field(description="It is safe on the disk.")
    prediction: float | str
    prediction_proba: float | None
    confidence: float | None
    latency_ms: float | None = Field(description="Of the model's service, or as it was sent.")
    ground_truth_stored: bool
    remarks: list[FeatureRemark] = Field(description="What strikes about the features beside what is declared.")


@router.post("/monitor/predict", responses=_OF_THE_MODEL)
async def log_prediction(request: Request, sent: PredictionToLog, service: ServiceOf, caller: Appender) -> Logged:
    """Log a prediction, and the truth if it is known.

    With a prediction it is logged as it is sent. Without one the features are forwarded to the service that the
    model's declaration names (`serving`), and its answer is logged with its latency.
    """
    return await _logged(service, caller, sent, size=len(await request.body()))


@router.post("/predict", responses=_OF_THE_MODEL)
async def predict(
    request: Request, features: Annotated[dict[str, Any], Body()], service: ServiceOf, caller: Appender
) -> Logged:
    """Ask the only declared model for a prediction, and log it. The body is the features, and nothing else."""
    return await _logged(service, caller, PredictionToLog(features=features), size=len(await request.body()))


async def _logged(service: Service, caller: Caller, sent: PredictionToLog, *, size: int) -> Logged:
    model_id = model_to_log(service, caller, sent.model_id)
    answered = await _answered(service, model_id, sent)
    record = _record(service, model_id, answered)
    row = Row(line=1, record=record, raw=record, size=size)
    outcome = await _stored(service, row)
    if outcome.rejected:
        [rejected] = outcome.rejected
        detail = f"{rejected.detail}; it waits in quarantine"
        status, reason = HTTPStatus.UNPROCESSABLE_ENTITY, rejected.reason.value
        raise Problem(status, "quarantined", detail, reason=reason, field=rejected.field)
    return Logged(
        model_id=model_id,
        prediction_id=record["prediction_id"],
        stored=True,
        prediction=record["predicted_value"],
        prediction_proba=answered.prediction_proba,
        confidence=answered.confidence,
        latency_ms=answered.latency_ms,
        ground_truth_stored=answered.ground_truth is not None,
        remarks=input_remarks(service.installation.config.model(model_id), answered.features),
    )


async def _answered(service: Service, model_id: str, sent: PredictionToLog) -> PredictionToLog:
    """What was sent, with a prediction."""
    prediction = _one_value(sent, "prediction", "predicted_value")
    sent = sent.model_copy(
        update={"prediction": prediction, "ground_truth": _one_value(sent, "ground_truth", "actual_value")}
    )
    if prediction is not None:
        return sent
    model = service.installation.config.model(model_id)
    if model is None or model.serving is None:
        detail = (
            "there is no prediction, and the model's declaration names no service to ask; send prediction, "
            "or declare serving: {url: …}"
        )
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "no-prediction", detail)
    answer, latency_ms = await ask_model(model.serving, sent.features)
    said = {name: value for name, value in answer.model_dump().items() if value is not None}
    return sent.model_copy(update={**said, "latency_ms": latency_ms})


def _one_value(sent: PredictionToLog, name: str, other_name: str) -> float | str | None:
    """What is sent under one of two names, or under both."""
    value, other = getattr(sent, name), getattr(sent, other_name)
    if value is not None and other not in {None, value}:
        detail = f"{name} and {other_name} are two names of one value, and differ; send one of them"
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "contradiction", detail)
    found: float | str | None = other if value is None else value
    return found


def _record(service: Service, model_id: str, answered: PredictionToLog) -> dict[str, Any]:
    """The event."""
    ours = {"prediction", "predicted_value", "ground_truth", "actual_value"}
    sent = {name: value for name, value in answered.model_dump().items() if name not in ours and value is not None}
    truth = {} if answered.ground_truth is None else {"actual_value": answered.ground_truth}
    return {
        "timestamp": isoformat(service.installation.clock()),
        "prediction_id": token_hex(16),
        **sent,
        **truth,
        "model_id": model_id,
        "predicted_value": answered.prediction,
    }


async def _stored(service: Service, row: Row) -> Outcome:
    try:
        submitted = service.writer.submit([row], kind=Kind.PREDICTIONS, source=SOURCE)
    except (QueueFullError, WriterStoppedError):
        detail = "too much waits to be stored; send it again later, nothing of it was taken"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", detail, retry_after_seconds=1) from None
    return await asyncio.wrap_future(submitted)
