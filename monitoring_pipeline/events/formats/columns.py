"""Columns of a table (CSV, Parquet) and how its rows become records."""

from collections.abc import Iterable, Mapping, Sequence

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.schema import FEATURE_PREFIX


def checked_columns(names: Sequence[str], *, where: str) -> frozenset[str]:
    """The columns of a table, each named once.

    Raises:
        MonitorError: a column without name or with a name used twice, or features given in both ways.
    """
    if not all(name.strip() for name in names):
        raise MonitorError(f"{where}: a column has no name; name it or remove it")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise MonitorError(f"{where}: the column {repeated[0]} is there twice; keep one of the two")
    if "features" in names and any(name.startswith(FEATURE_PREFIX) for name in names):
        raise MonitorError(f"{where}: it has a column features and columns {FEATURE_PREFIX}…; keep one of the two ways")
    return frozenset(names)


def fold_features(cells: Iterable[tuple[str, object]]) -> Mapping[str, object]:
    """The record of one row: columns ``features.<name>`` are gathered in the object ``features``."""
    record: dict[str, object] = {}
    features: dict[str, object] = {}
    for name, value in cells:
        if name.startswith(FEATURE_PREFIX):
            features[name.removeprefix(FEATURE_PREFIX)] = value
        else:
            record[name] = value
    if features:
        record["features"] = features
    return record
