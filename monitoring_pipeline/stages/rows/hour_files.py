"""Joined rows beside the features that were logged for them, hour by hour: what is learned from truth and inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.database import reading
from monitoring_pipeline.lake import ledger
from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.blocked import blocked_windows
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.rows import joined, logged
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class HourFiles:
    """One hour's file of joined rows and that of logged ones, which has the features."""

    joined: ledger.LedgerEntry
    logged: ledger.LedgerEntry


def hour_files(pipeline: Pipeline, model: Model, hours: Sequence[int]) -> list[HourFiles]:
    """The files of those hours that performance is computed of, in order."""
    with reading(pipeline.engine) as connection:
        joined_files = ledger.entries(connection, joined.DATASET, hours, model_id=model.id)
        logged_files = ledger.entries(connection, logged.DATASET, hours, model_id=model.id)
        blocked = blocked_windows(connection, model.id, hours)
    return [
        HourFiles(joined=joined_files[key], logged=logged_files[key])
        for key in sorted(joined_files)
        if key in logged_files and key[1] not in blocked
    ]


def with_features(lake: Lake, files: HourFiles, rows: pa.Table) -> pa.Table:
    """Rows of the hour with the features that were logged for them."""
    assert files.logged.path is not None, "logged_predictions always has a file"
    if not rows.num_rows:
        return rows
    features = lake.read(files.logged.path, checksum=files.logged.checksum)
    # By id: predictions may have come after the joined file was written.
    features = features.take(pc.index_in(rows["prediction_id"], value_set=features["prediction_id"].combine_chunks()))
    for name in features.column_names:
        if name.startswith(FEATURE_PREFIX):
            rows = rows.append_column(name, features[name])
    return rows


def sampled(rows: pa.Table, one_in: int) -> pa.Table:
    """Those one in ``one_in`` rows whose id has the right hash.

    The same rows whenever it is asked, and no other row's presence matters.
    """
    if one_in <= 1:
        return rows
    chosen = [_hash(name) % one_in == 0 for name in rows["prediction_id"].to_pylist()]
    return rows.filter(pa.array(chosen, type=pa.bool_()))


def sampled_one_in(row_count: int, *, most_rows: int) -> int:
    """A power of two, so that neighbouring days mostly sample the same rows of an hour.

    >>> [sampled_one_in(count, most_rows=20_000) for count in (0, 20_000, 20_001, 1_000_000)]
    [1, 1, 2, 64]
    """
    one_in = 1
    while row_count > one_in * most_rows:
        one_in *= 2
    return one_in


def _hash(prediction_id: str) -> int:
    return int.from_bytes(blake2b(prediction_id.encode(), digest_size=8).digest())
