"""What an hour keeps of a group of rows: sums that merge into any window and from which every metric follows.

Truth arrives late: a row without an actual counts as a prediction and enters nothing else. A row whose truth is
there but cannot be judged (a class name where a number is needed, an actual of 2 for a binary model) is counted
in ``unusable_count``, never among the errors and never silently dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, Self, TypeVar


class Mergeable(Protocol):
    """A quantity of some rows that merges exactly and survives being stored as JSON, bit for bit."""

    @classmethod
    def merged(cls, parts: Sequence[Any]) -> Self:
        """All parts together; the same bits for every order of the parts."""

    def to_json(self) -> object:
        """JSON-safe: integers, finite doubles, texts, lists, nulls."""

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What :meth:`to_json` wrote, bit for bit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What all kinds of sums share. Every field is an ``int`` or a :class:`Mergeable`."""

    prediction_count: int
    unusable_count: int

    @property
    def labelled_count(self) -> int:
        """Rows whose prediction was judged by an actual."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe: integers, finite doubles (which read back bit-equal), lists and nulls."""
        return {name: _to_json(getattr(self, name)) for name in self._kinds()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` wrote, bit for bit.

        Raises:
            ValueError: if the keys are not those of this kind of sums.
        """
        kinds = cls._kinds()
        if stored.keys() != kinds.keys():
            raise ValueError(
                f"{cls.__name__} has the keys {', '.join(kinds)}; the stored sums have {', '.join(stored)}"
            )
        return cls(
            **{name: int(stored[name]) if kind is int else kind.from_json(stored[name]) for name, kind in kinds.items()}
        )

    @classmethod
    def _kinds(cls) -> dict[str, Any]:
        return {field.name: field.type for field in fields(cls)}


S = TypeVar("S", bound=Sums)


def merge(parts: Sequence[S]) -> S:
    """The sums of all parts together: the same bits for every order of the parts.

    Regrouping (a week from its days instead of its hours) may differ in the last bits of totals and spreads, so
    merge any window from its hours.

    Raises:
        ValueError: if there is no part, or parts of different kinds.
    """
    if not parts:
        raise ValueError("merge needs at least one part")
    kind = type(parts[0])
    if any(type(part) is not kind for part in parts):
        raise ValueError("sums of different kinds cannot be merged")
    return kind(**{field.name: _merged([getattr(part, field.name) for part in parts]) for field in fields(kind)})


def _to_json(value: int | Mergeable) -> object:
    return value if isinstance(value, int) else value.to_json()


def _merged(values: Sequence[Any]) -> Any:
    return sum(values) if isinstance(values[0], int) else type(values[0]).merged(values)
