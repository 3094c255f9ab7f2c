"""What the rules judge: the standing metrics and drift verdicts of each group of a model's windows."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from monitoring_pipeline.alerts.vocabulary import Group, Measurement
from monitoring_pipeline.drift.verdict import DriftVerdict
from monitoring_pipeline.results.tables import drift_results, metrics
from monitoring_pipeline.windows import Grain, Window

Drifted = tuple[list[bool | None], int]
"""One entry per feature (``None``: not enough data), and the rows of the window."""


def measurements(
    connection: Connection, model_id: str, grain: Grain, windows: Collection[int]
) -> dict[Group, dict[str, Measurement]]:
    """Each group's standing metrics, by metric."""
    found: dict[Group, dict[str, Measurement]] = defaultdict(dict)
    for row in _standing(connection, metrics, model_id, grain, windows):
        found[_group(row, grain)][row.metric] = Measurement(
            prediction_count=row.prediction_count,
            labelled_count=row.labelled_count,
            value=row.value,
            lower=row.lower,
            upper=row.upper,
            reason=row.undefined_reason,
        )
    return found


def drifted_features(
    connection: Connection, model_id: str, grain: Grain, windows: Collection[int]
) -> dict[Group, Drifted]:
    """Each group's features: drifted by any measure, by none, or without enough data for all of them."""
    verdicts: dict[Group, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    rows_of: dict[Group, int] = defaultdict(int)
    for row in _standing(connection, drift_results, model_id, grain, windows):
        group = _group(row, grain)
        verdicts[group][row.feature].add(row.verdict)
        rows_of[group] = max(rows_of[group], row.n_window)
    return {
        group: ([_drifted(by_measure) for _, by_measure in sorted(by_feature.items())], rows_of[group])
        for group, by_feature in verdicts.items()
    }


def _drifted(verdicts: Collection[str]) -> bool | None:
    if DriftVerdict.DRIFT.value in verdicts:
        return True
    return False if DriftVerdict.NO_DRIFT.value in verdicts else None


def _standing(
    connection: Connection, table: Table, model_id: str, grain: Grain, windows: Collection[int]
) -> Sequence[Any]:
    query = select(table).where(
        table.c.model_id == model_id,
        table.c.grain == grain.value,
        table.c.window_start.in_(windows),
        table.c.known_to.is_(None),
    )
    return connection.execute(query).all()


def _group(row: Any, grain: Grain) -> Group:
    return Group(
        model_id=row.model_id,
        model_version=row.model_version,
        environment=row.environment,
        segment=row.segment,
        window=Window(row.window_start, grain),
    )
