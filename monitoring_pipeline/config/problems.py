"""What is wrong with a config, said so that it can be mended: file, line, key, allowed values, a guess."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from monitoring_pipeline.errors import MonitorError

KeyPath = tuple[str | int, ...]
"""Where a value stands in the document: ``("models", 0, "task")``."""

Complaint = tuple[KeyPath, str]
"""Where, and what is wrong there; it becomes a :class:`Problem` once its line is known."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing to mend. ``line`` counts from 1; ``path`` is empty for the document as a whole."""

    line: int
    path: KeyPath
    message: str

    def render(self, file: str) -> str:
        """The problem as one line of text: ``monitoring.yaml:12: models[0].task: …``."""
        where = f"{file}:{self.line}: "
        return f"{where}{render_path(self.path)}: {self.message}" if self.path else f"{where}{self.message}"


class ConfigError(MonitorError):
    """Every problem of one config file at once, in the order of its lines."""

    def __init__(self, *, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        lines = [problem.render(file) for problem in self.problems]
        heading = [] if len(lines) == 1 else [f"{file} has {len(lines)} problems"]
        super().__init__("\n".join([*heading, *lines]))


def render_path(path: KeyPath) -> str:
    """A path as people write it.

    >>> render_path(("models", 0, "labels", "maturity"))
    'models[0].labels.maturity'
    """
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).removeprefix(".")


def allowed_values(given: object, allowed: Iterable[str]) -> str:
    """The tail of a sentence that refuses a value: what is allowed, and which of it was probably meant.

    >>> allowed_values("regresion", ["regression", "binary"])
    "allowed: regression, binary; did you mean 'regression'?"
    """
    names = [str(name) for name in allowed]  # plain texts: a member of an enum would be shown as one
    listing = f"allowed: {', '.join(names)}" if names else "none is allowed here"
    close = get_close_matches(str(given).lower(), names, n=1)
    return f"{listing}; did you mean {close[0]!r}?" if close else listing
