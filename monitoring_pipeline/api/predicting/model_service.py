"""Asking a model for a prediction, over HTTP, at the address that its declaration names."""

import asyncio
import os
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from monitoring_pipeline.api.problems import Problem
from monitoring_pipeline.config.models import Serving
from monitoring_pipeline.outgoing.addresses import ForbiddenAddressError
from monitoring_pipeline.outgoing.requests import answer_to

MOST_ANSWER_BYTES = 100_000


class ModelAnswer(BaseModel):
    """What a model's service answers; other members of its object are ignored."""

    model_config = ConfigDict(allow_inf_nan=False)

    prediction: float | str
    prediction_proba: float | None = None
    probabilities: dict[str, float] | None = None
    confidence: float | None = None
    model_version: str | None = None


async def ask_model(serving: Serving, features: Mapping[str, Any]) -> tuple[ModelAnswer, float]:
    """What the model predicts, and how long that took, milliseconds.

    Args:
        serving: where it answers.
        features: its inputs, sent as ``{"features": {…}}``.

    Raises:
        Problem: 502 if it cannot be asked or answers something else, 504 if it takes too long.
    """
    began = time.perf_counter()
    try:
        async with asyncio.timeout(serving.timeout_seconds):
            body = await _answer(serving, features)
    except TimeoutError:
        detail = f"the model did not answer within {serving.timeout_seconds:g} s; nothing was stored"
        raise Problem(HTTPStatus.GATEWAY_TIMEOUT, "model-too-slow", detail) from None
    latency_ms = round((time.perf_counter() - began) * 1000, 3)
    try:
        return ModelAnswer.model_validate_json(body), latency_ms
    except ValidationError:
        raise _unusable('did not answer with a JSON object that has "prediction"') from None


async def _answer(serving: Serving, features: Mapping[str, Any]) -> bytes:
    try:
        async with answer_to(
            "POST",
            httpx.URL(serving.url),
            allow_private=serving.allow_private,
            timeout_seconds=serving.timeout_seconds,
            headers=_headers(serving),
            content=orjson.dumps({"features": features}),
        ) as response:
            if not response.is_success:
                raise _unusable(f"answered {response.status_code}")
            return await _bounded(response)
    except ForbiddenAddressError:
        raise _unusable("has an address of a private network, and serving.allow_private is not set") from None
    except (OSError, httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise _unusable(f"cannot be asked ({type(error).__name__})") from error


def _headers(serving: Serving) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if serving.token_env is None:
        return headers
    token = os.environ.get(serving.token_env)
    if not token:
        raise _unusable(f"needs a token, and the server's environment has no {serving.token_env}")
    return {**headers, "Authorization": f"Bearer {token}"}


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > MOST_ANSWER_BYTES:
            raise _unusable(f"answered with more than {MOST_ANSWER_BYTES:,} bytes")
    return bytes(body)


def _unusable(what: str) -> Problem:
    detail = f"the model's service {what}; nothing was stored; mend it, or send the prediction along"
    return Problem(HTTPStatus.BAD_GATEWAY, "model-unusable", detail)
