"""One piece of advice."""

from dataclasses import dataclass
from enum import StrEnum


class Urgency(StrEnum):
    """How soon it should be done, the most urgent first."""

    NOW = "now"
    SOON = "soon"
    WHEN_POSSIBLE = "when possible"
    NOTHING = "nothing to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Something to do.

    Attributes:
        urgency: how soon.
        because: what was found.
        do: what to do about it.
        command: what shows more, to be copied; ``None`` where there is none.
    """

    urgency: Urgency
    because: str
    do: str
    command: str | None = None
