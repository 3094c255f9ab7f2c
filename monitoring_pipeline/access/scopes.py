"""What a caller may do, and on which models."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from monitoring_pipeline.config.problems import allowed_values
from monitoring_pipeline.errors import MonitorError

EVERY_MODEL = "*"


class Scope(StrEnum):
    """A kind of work. ``admin`` includes all the others."""

    EVENTS_APPEND = "events:append"
    PIPES_READ = "pipes:read"
    METRICS_READ = "metrics:read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A scope on some models.

    Args:
        scope: the work.
        models: a model's id, in which ``*`` stands for any characters.
    """

    scope: Scope
    models: str = EVERY_MODEL

    @classmethod
    def parse(cls, text: str) -> Self:
        """The grant that ``events:append`` or ``events:append@fraud_*`` writes.

        >>> Grant.parse("metrics:read@fraud_*").allows(Scope.METRICS_READ, "fraud_eu")
        True

        Raises:
            MonitorError: if there is no such scope, or the models are left empty.
        """
        name, at, models = text.strip().partition("@")
        if name not in set(Scope):
            raise MonitorError(f"there is no scope {name!r}; {allowed_values(name, [scope.value for scope in Scope])}")
        if at and not models:
            raise MonitorError(f"{text!r} names no model after @; write {name}@fraud_* or {name} for every model")
        return cls(scope=Scope(name), models=models or EVERY_MODEL)

    def __str__(self) -> str:
        return self.scope.value if self.models == EVERY_MODEL else f"{self.scope.value}@{self.models}"

    def allows(self, scope: Scope, model_id: str | None) -> bool:
        """Whether the work may be done on a model; ``None`` is work that concerns all of them."""
        if self.scope not in {scope, Scope.ADMIN}:
            return False
        return self.models == EVERY_MODEL or (model_id is not None and _matches(self.models, model_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever sent a request.

    Args:
        name: how logs and acknowledgements call it; never the token.
        grants: what it may do.
    """

    name: str
    grants: tuple[Grant, ...]

    def may(self, scope: Scope, model_id: str | None = None) -> bool:
        """Whether the work is allowed on a model; without one, on all models."""
        return any(grant.allows(scope, model_id) for grant in self.grants)

    def may_somewhere(self, scope: Scope) -> bool:
        """Whether the work is allowed on some model at least."""
        return any(grant.scope in {scope, Scope.ADMIN} for grant in self.grants)

    def only_allowed(self, scope: Scope, model_ids: Iterable[str]) -> list[str]:
        """Those of the models on which the work is allowed."""
        return [model_id for model_id in model_ids if self.may(scope, model_id)]


ANYBODY = Caller(name="loopback", grants=(Grant(scope=Scope.ADMIN),))
"""Whoever reaches a server that listens on loopback and has no tokens: a person on this machine."""


def _matches(pattern: str, model_id: str) -> bool:
    # Not fnmatch: ids may hold brackets and question marks, which mean nothing here. Not a regular expression either:
    # with several stars it can take very long on an id that a stranger made up. The first place of each part will do.
    first, *parts = pattern.split("*")
    if not parts:
        return pattern == model_id
    *middle, last = parts
    if not model_id.startswith(first):
        return False
    place = len(first)
    for part in middle:
        found = model_id.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return len(model_id) - len(last) >= place and model_id.endswith(last)
