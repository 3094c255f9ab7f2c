"""Puts the environment's values into a config's text: secrets live there, never in the file.

``${NAME}`` is the variable's value and an error if it is not set; ``${NAME:-text}`` falls back to ``text`` if it
is unset or empty; ``$${`` is a literal ``${``. Keys are left alone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitoring_pipeline.config.problems import KeyPath

_REFERENCE = re.compile(
    r"(?P<literal>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<bad>\$\{)"
)


@dataclass(kw_only=True)
class Substitution:
    """Replaces references in a tree of values.

    ``written`` keeps the text as it stands in the file for each replaced value, because a message must show
    ``${WEBHOOK_URL}`` and not the secret behind it. ``complaints`` names what could not be replaced.
    """

    environment: Mapping[str, str]
    written: dict[KeyPath, str] = field(default_factory=dict)
    complaints: dict[KeyPath, str] = field(default_factory=dict)

    def apply(self, value: object, path: KeyPath = ()) -> object:
        """The value with every reference replaced, as a new tree."""
        if isinstance(value, dict):
            return {key: self.apply(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.apply(item, (*path, i)) for i, item in enumerate(value)]
        return self._replace(value, path) if isinstance(value, str) and "${" in value else value

    def _replace(self, text: str, path: KeyPath) -> str:
        self.written[path] = text
        return _REFERENCE.sub(lambda match: self._one(match, path), text)

    def _one(self, match: re.Match[str], path: KeyPath) -> str:
        if match["literal"]:
            return "${"
        if match["bad"]:
            self.complaints[path] = "'${' is not closed; write ${NAME} or ${NAME:-default}, or $${ for the two signs"
            return ""
        name, default = match["name"], match["default"]
        if default is not None:
            return self.environment.get(name) or default
        if name not in self.environment:
            self.complaints[path] = f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
        return self.environment.get(name, "")
