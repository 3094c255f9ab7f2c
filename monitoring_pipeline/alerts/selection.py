"""Which alerts somebody wants to see."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from monitoring_pipeline.alerts.handling.tables import acknowledgements
from monitoring_pipeline.alerts.tables import alerts
from monitoring_pipeline.alerts.vocabulary import AlertState
from monitoring_pipeline.config.models import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSelection:
    """Which alerts are wanted; what is ``None`` matches all.

    Args:
        model_ids: some models.
        states: the states wanted.
        severities: the severities wanted.
        rule_id: one rule.
        segment: one segment.
        start: windows that start at or after this instant, microseconds UTC.
        end: windows that start before this instant.
        is_acknowledged: whether somebody took note of the alert's last event.
    """

    model_ids: Collection[str] | None = None
    states: Collection[AlertState] | None = None
    severities: Collection[Severity] | None = None
    rule_id: str | None = None
    segment: str | None = None
    start: int | None = None
    end: int | None = None
    is_acknowledged: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The selection in SQL, over alerts joined with the acknowledgements of their last events."""
        table = alerts.c
        among = ((table.model_id, self.model_ids), (table.state, self.states), (table.severity, self.severities))
        equal = ((table.rule_id, self.rule_id), (table.segment, self.segment))
        return [
            *(column.in_(sorted(values)) for column, values in among if values is not None),
            *(column == value for column, value in equal if value is not None),
            *([] if self.start is None else [table.window_start >= self.start]),
            *([] if self.end is None else [table.window_start < self.end]),
            *self._noted(),
        ]

    def _noted(self) -> list[ColumnElement[bool]]:
        if self.is_acknowledged is None:
            return []
        noted = acknowledgements.c.alert_id
        return [noted.is_not(None) if self.is_acknowledged else noted.is_(None)]
