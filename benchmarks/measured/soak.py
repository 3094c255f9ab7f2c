"""A server under a load that goes on, and what it holds meanwhile."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import theilslopes
from sqlalchemy import Engine, func, select

from benchmarks.measured.progress import tell
from benchmarks.measured.serving_process import Serving, serving
from benchmarks.measured.soak_load import Load
from benchmarks.measured.stores import open_store
from monitoring_pipeline.database import reading
from monitoring_pipeline.events.tables import actuals, predictions

_TOLD_EVERY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What the server held at one moment, seconds from the start."""

    at_seconds: float
    resident_bytes: int
    descriptor_count: int


def run(database: str, folder: str, warm_up_seconds: float, seconds: float, every_seconds: float) -> dict[str, Any]:
    """What grows while the load goes on, after caches have filled.

    The growth is the median of the slopes between all pairs of samples (Theil and Sen): what comes and goes with a
    large request, or once, does not move it.

    Args:
        database: ``SQLite`` or ``PostgreSQL``.
        folder: where the store and the server's home are.
        warm_up_seconds: of the load, before anything is counted.
        seconds: of the load, counted.
        every_seconds: a sample is taken.
    """
    with (
        open_store(database, folder) as engine,
        serving(engine.url.render_as_string(hide_password=False), Path(folder)) as server,
    ):
        load = Load(port=server.port)
        samples = asyncio.run(_watched(load, server, warm_up_seconds, warm_up_seconds + seconds, every_seconds))
        peak_bytes, cpu_seconds = server.peak_bytes, server.cpu_seconds
        stored = _stored(engine)
    at = np.array([sample.at_seconds for sample in samples])
    resident = np.array([sample.resident_bytes for sample in samples])
    waits = {name: np.quantile(found, [0.5, 0.99]) * 1e3 for name, found in load.waits.items()}
    return {
        "megabytes_per_minute": float(theilslopes(resident / 1e6, at / 60).slope),
        "resident_bytes": resident.tolist(),
        "descriptors": [sample.descriptor_count for sample in samples],
        "peak_bytes": peak_bytes,
        "cores": cpu_seconds / (warm_up_seconds + seconds),
        "requests": sum(map(len, load.waits.values())),
        "acknowledged": load.acknowledged,
        "stored": stored,
        "unexpected": dict(load.unexpected),
        "milliseconds": {name: {"p50": p50, "p99": p99} for name, (p50, p99) in waits.items()},
    }


def _stored(engine: Engine) -> int:
    """The predictions and statements of truth in the store."""
    with reading(engine) as connection:
        return sum(connection.scalar(select(func.count()).select_from(table)) or 0 for table in (predictions, actuals))


async def _watched(load: Load, server: Serving, counted_from: float, until: float, every: float) -> list[Sample]:
    """The samples of the time that counts."""
    clients = [asyncio.create_task(client) for client in load.clients()]
    started = time.monotonic()
    samples: list[Sample] = []
    told_at = 0.0
    while (at := time.monotonic() - started) < until:
        await asyncio.sleep(min(every, until - at))
        at = time.monotonic() - started
        sample = Sample(at_seconds=at, resident_bytes=server.resident_bytes, descriptor_count=server.descriptor_count)
        if at >= counted_from:
            samples.append(sample)
        if at - told_at >= _TOLD_EVERY_SECONDS:
            told_at = at
            _tell(sample, requests=sum(map(len, load.waits.values())))
    load.ended.set()
    await asyncio.gather(*clients)
    return samples


def _tell(sample: Sample, *, requests: int) -> None:
    tell(
        f"{sample.at_seconds:.0f} s of the load: {requests:,} requests, {sample.resident_bytes / 1e6:.1f} MB, "
        f"{sample.descriptor_count} descriptors"
    )
