"""Keeping the errors of each hour, in the transaction that changes them: a look back over weeks reads no rows.

What a transaction changes is merged into what is kept. The sums are exact (see
:mod:`monitoring_pipeline.performance.mergeable.exact_total`), so they have the bits of the hour's rows summed at once,
whatever the order, batching or correction of the arrivals. An hour is also kept in parts, so that an answer which
begins within it needs the rows of minutes, not of the whole hour.

An hour that cannot be carried on is left at its old revision, and computed anew when it is asked for: one that was
never kept, one that missed a change, one whose sums overflowed, or one of so many versions that writing them down with
each event would hold up all others.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

import orjson
from sqlalchemy import Connection, text

from monitoring_pipeline.events.changes import Change
from monitoring_pipeline.events.hour_errors.tables import hour_errors
from monitoring_pipeline.events.hour_errors.texts import (
    MOST_PARTS,
    PART_MICROS,
    Group,
    Part,
    by_group,
    read_groups,
    read_parts,
    write_groups,
    write_parts,
)
from monitoring_pipeline.events.revisions import ModelHour
from monitoring_pipeline.events.schema import Prediction
from monitoring_pipeline.events.sql.additive import add
from monitoring_pipeline.events.sql.lookup import Key
from monitoring_pipeline.events.truth import Statement
from monitoring_pipeline.performance.mergeable.error_sums import ErrorSums
from monitoring_pipeline.performance.mergeable.exact_total import ExactTotal
from monitoring_pipeline.windows import HOUR_MICROS

K = TypeVar("K", Group, Part)

_Row = tuple[int, float | None, Statement | None, Statement | None, int]
"""``(predicted_at, predicted_value, truth before, truth now, 1 if the prediction is new)``."""

_Rows = defaultdict[tuple[str, int, str, str], list[_Row]]
"""By model, start of the part, version and environment."""

_JOINED = """
    SELECT r.model_id, r.hour, r.revision, e.revision, e.errors, e.parts
    FROM {wanted}
    JOIN hour_revision AS r ON r.model_id = {model_id} AND r.hour = {hour}
    LEFT JOIN hour_errors AS e ON e.model_id = r.model_id AND e.hour = r.hour
"""
_STANDING = {
    "sqlite": text(
        _JOINED.format(
            wanted="json_each(:wanted) AS w",
            model_id="json_extract(w.value, '$[0]')",
            hour="json_extract(w.value, '$[1]')",
        )
    ),
    "postgresql": text(
        _JOINED.format(
            wanted="json_array_elements(CAST(:wanted AS json)) AS w(value)",
            model_id="w.value->>0",
            hour="CAST(w.value->>1 AS bigint)",
        )
    ),
}


def keep_errors(
    connection: Connection,
    *,
    new: Sequence[Prediction],
    changes: Mapping[Key, Change],
    adopted: Mapping[Key, Statement],
) -> None:
    """Bring the kept errors up to date, after :func:`.revisions.touch_hours`.

    Args:
        connection: the open transaction that stored the events, whose turn it is.
        new: predictions that were not there before.
        changes: of the truth about predictions, new ones included.
        adopted: truth about new predictions that was there before them.
    """
    rows = _rows_of_new(new, changes, adopted)
    fresh = {prediction[:2] for prediction in new} if changes else set()
    for key, (made, before, after) in changes.items():
        if made is not None and key not in fresh:
            part = (key[0], made.predicted_at - made.predicted_at % PART_MICROS, made.model_version, made.environment)
            rows[part].append((made.predicted_at, made.predicted_value, before, after, 0))
    changed: dict[ModelHour, dict[Part, ErrorSums]] = {}
    for (model_id, start, version, environment), of_part in rows.items():
        hour = (model_id, start - start % HOUR_MICROS)
        changed.setdefault(hour, {})[start, version, environment] = _sums(of_part)
    _carry_on(connection, changed)


def _rows_of_new(new: Sequence[Prediction], changes: Mapping[Key, Change], adopted: Mapping[Key, Statement]) -> _Rows:
    rows: _Rows = defaultdict(list)
    any_truth = bool(changes or adopted)
    for prediction in new:
        truth = None
        if any_truth:
            key = prediction[:2]
            truth = changes[key].after if key in changes else adopted.get(key)
        model_id, _, at, version, environment, value = prediction[:6]
        rows[model_id, at - at % PART_MICROS, version, environment].append((at, value, None, truth, 1))
    return rows


def _sums(rows: Sequence[_Row]) -> ErrorSums:
    """What the rows change of the part that they lie in."""
    absolute: list[float] = []
    squared: list[float] = []
    labelled = error_count = 0
    told = [row for row in rows if row[2] is not None or row[3] is not None]  # of new predictions nearly never one
    for _, value, before, after, _ in told:
        for truth, sign in ((before, -1), (after, 1)):
            if truth is None or (truth[1] is None and truth[2] is None):  # a retraction
                continue
            labelled += sign
            if value is not None and truth[1] is not None:
                error = value - truth[1]
                error_count += sign
                absolute.append(sign * abs(error))
                squared.append(sign * (error * error))
    instants = [row[0] for row in rows]
    return ErrorSums(
        prediction_count=sum([row[4] for row in rows]),
        labelled_count=labelled,
        error_count=error_count,
        absolute=ExactTotal.of(absolute),
        squared=ExactTotal.of(squared),
        first_at=min(instants),
        last_at=max(instants),
    )


def _carry_on(connection: Connection, changed: Mapping[ModelHour, Mapping[Part, ErrorSums]]) -> None:
    if not changed:
        return
    wanted = {"wanted": orjson.dumps(sorted(changed)).decode()}
    written: list[tuple[object, ...]] = []
    for model_id, hour, revision, kept_at, errors, parts in connection.execute(
        _STANDING[connection.dialect.name], wanted
    ):
        if (kept_at or 0) != revision - 1:  # never kept, or it missed a change
            continue
        change = changed[model_id, hour]
        whole = _merged(read_groups(errors), by_group(change.items()))
        divided = _merged(read_parts(parts), change)
        if whole is not None and divided is not None and len(divided) <= MOST_PARTS:
            written.append((model_id, hour, revision, write_groups(whole), write_parts(divided)))
    growth = {name: f"excluded.{name}" for name in ("revision", "errors", "parts")}
    add(connection, hour_errors, written, growth=growth)


def _merged(kept: dict[K, ErrorSums], change: Mapping[K, ErrorSums]) -> dict[K, ErrorSums] | None:
    """What is kept after a change; ``None`` if it takes something from a sum that overflowed."""
    for key, sums in change.items():
        before = kept.get(key)
        if before is not None and not before.is_known:
            return None
        kept[key] = sums if before is None else ErrorSums.merged([before, sums])
    return kept
