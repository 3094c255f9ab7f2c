"""Reads YAML into plain values and remembers the line of each, so that every later check can point at it.

The scalars are those of YAML 1.2: only ``true`` and ``false`` are booleans (a class named ``no`` stays text),
``72:00:00`` is not a number in base 60, and instants stay text until the model that wants them reads them.
"""

import re
from dataclasses import dataclass, field

import yaml

from monitoring_pipeline.config.problems import ConfigError, KeyPath, Problem

# Aliases can repeat and nest: a few lines of YAML may stand for billions of values, or contain themselves.
MAX_VALUES = 200_000
MAX_DEPTH = 40


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML reads this class attribute; it is never changed
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), "-+0123456789")
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)$"),  # 1e-3 stays text, which a number field reads well
    "-+0123456789.",
)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed file: its value, the line of each part of it, and what could not be read."""

    value: object
    lines: dict[KeyPath, int]
    problems: list[Problem]

    def line(self, path: KeyPath) -> int:
        """The line of the deepest part of ``path`` that is in the file; 1 if nothing is."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: bytes, *, file: str) -> Document:
    """Parse one document.

    Raises:
        ConfigError: if the text is not YAML at all; lesser problems are listed in the document.
    """
    loader = None
    try:
        loader = _Loader(text)
        return _Reader(loader=loader).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        sentence = "; ".join(part for part in (error.context, error.problem) if part)
        raise _unreadable(file, mark.line + 1 if mark else 1, sentence) from None
    except yaml.YAMLError as error:
        raise _unreadable(file, 1, str(error).splitlines()[0]) from None
    finally:
        if loader is not None:
            loader.dispose()


def _unreadable(file: str, line: int, sentence: str) -> ConfigError:
    return ConfigError(file=file, problems=[Problem(line=line, path=(), message=f"this is not YAML: {sentence}")])


@dataclass(kw_only=True)
class _Reader:
    loader: _Loader
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> Document:
        root = self.loader.get_single_node()
        value = {} if root is None else self._value(root, ())
        return Document(value=value, lines=self.lines, problems=self.problems)

    def _value(self, node: yaml.Node, path: KeyPath) -> object:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > MAX_DEPTH or len(self.lines) > MAX_VALUES:
            raise yaml.MarkedYAMLError(problem="aliases repeat or contain themselves", problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        self._refuse_repeated_keys(node, path)
        self.loader.flatten_mapping(node)
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            # A scalar's own line, but the key's for a block: that is where people look for it.
            scalar = isinstance(value_node, yaml.ScalarNode)
            self.lines[*path, key] = (value_node if scalar else key_node).start_mark.line + 1
            values[key] = self._value(value_node, (*path, key))
        return values

    def _key(self, node: yaml.Node, path: KeyPath) -> str | None:
        key = self.loader.construct_object(node) if isinstance(node, yaml.ScalarNode) else None
        if isinstance(key, str):
            return key
        shown = node.value if isinstance(node, yaml.ScalarNode) else "a list or mapping"
        self._report(node, path, f"the key {shown} is not text; put it in quotes")
        return None

    def _refuse_repeated_keys(self, node: yaml.MappingNode, path: KeyPath) -> None:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag.endswith(":merge"):
                continue
            if key_node.value in seen:
                message = f"is given twice, first on line {seen[key_node.value]}; keep one of the two"
                self._report(key_node, (*path, key_node.value), message)
            seen[key_node.value] = key_node.start_mark.line + 1

    def _report(self, node: yaml.Node, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(line=node.start_mark.line + 1, path=path, message=message))
