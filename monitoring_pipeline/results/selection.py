"""Which results somebody wants to see."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, func

from monitoring_pipeline.windows import Grain


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSelection:
    """Which rows of a result table are wanted; what is ``None`` matches all.

    Args:
        model_ids: some models.
        model_version: one version.
        environment: one environment.
        grain: hours or days.
        start: windows that start at or after this instant, microseconds UTC.
        end: windows that start before this instant.
        segment: one segment (``all``, ``carrier=UA``), or with a star at its end every segment that starts so.
        named: further columns by name, each with the values wanted: ``{"metric": ["mae"]}``.
    """

    model_ids: Collection[str] | None = None
    model_version: str | None = None
    environment: str | None = None
    grain: Grain | None = None
    start: int | None = None
    end: int | None = None
    segment: str | None = None
    named: tuple[tuple[str, Collection[str]], ...] = ()

    def conditions(self, table: Table) -> list[ColumnElement[bool]]:
        """The selection in SQL."""
        grain = None if self.grain is None else self.grain.value
        equal = (("model_version", self.model_version), ("environment", self.environment), ("grain", grain))
        models = () if self.model_ids is None else (("model_id", self.model_ids),)
        return [
            *(table.c[name].in_(sorted(values)) for name, values in (*models, *self.named)),
            *(table.c[name] == value for name, value in equal if value is not None),
            *([] if self.start is None else [table.c.window_start >= self.start]),
            *([] if self.end is None else [table.c.window_start < self.end]),
            *([] if self.segment is None else [_segment_is(table, self.segment)]),
        ]


def _segment_is(table: Table, segment: str) -> ColumnElement[bool]:
    if not segment.endswith("*"):
        return table.c.segment == segment
    # Not LIKE: on SQLite it takes "ua" for "UA".
    prefix = segment.removesuffix("*")
    return func.substr(table.c.segment, 1, len(prefix)) == prefix
