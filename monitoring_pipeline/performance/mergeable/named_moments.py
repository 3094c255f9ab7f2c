"""Moments of any number of quantities, each known by its name, in a form that merges."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from monitoring_pipeline.performance.mergeable.moments import Moments


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedMoments:
    """``(name, moments)``, sorted by name; a quantity that no row carries is absent."""

    items: tuple[tuple[str, Moments], ...] = ()

    @classmethod
    def of(cls, named: Iterable[tuple[str, Moments]]) -> Self:
        """From moments by distinct names, in any order."""
        return cls(items=tuple(sorted(((name, moments) for name, moments in named if moments.count), key=_name)))

    @classmethod
    def merged(cls, parts: Sequence["NamedMoments"]) -> Self:
        """Each name's moments together; parts need not have the same names. The same bits for every order."""
        found: dict[str, list[Moments]] = {}
        for part in parts:
            for name, moments in part.items:
                found.setdefault(name, []).append(moments)
        return cls.of((name, Moments.merged(moments)) for name, moments in found.items())

    def to_json(self) -> dict[str, object]:
        """Name → moments."""
        return {name: moments.to_json() for name, moments in self.items}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """What :meth:`to_json` wrote, bit for bit."""
        return cls.of((name, Moments.from_json(moments)) for name, moments in stored.items())


def _name(item: tuple[str, Moments]) -> str:
    return item[0]
