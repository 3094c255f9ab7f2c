"""A command group that imports a command's module only when that command is used.

So ``monitor --help`` answers at once, although ``monitor demo`` needs Dagster and MLflow.
"""

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.text import printable

EXIT_ERROR = 1
# Typer checks values with pydantic, which puts this in front of a sentence that needs no preface.
_PREFACE = "Value error, "


@dataclass(frozen=True, kw_only=True)
class LazyCommand:
    """Where a command lives: ``target`` is ``module:attribute``, a function or a :class:`typer.Typer`."""

    name: str
    target: str
    summary: str

    def load(self) -> Any:
        """Import the module and build the command."""
        module, attribute = self.target.split(":")
        found = getattr(import_module(module), attribute)
        return _group(self, found) if isinstance(found, typer.Typer) else _command(self, found)


def _group(lazy: LazyCommand, app: typer.Typer) -> Any:
    app.rich_markup_mode = None  # one look for all help
    group = typer.main.get_group(app)
    group.name = lazy.name
    return group


def _command(lazy: LazyCommand, function: Any) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name=lazy.name, short_help=lazy.summary)(function)
    return typer.main.get_command(app)


class LazyGroup(TyperGroup):
    """The root of the command line: lazy commands, and plain sentences for what users can mend."""

    lazy_commands: tuple[LazyCommand, ...] = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Help and completion need no more than names and summaries; these stand for the commands until one is used.
        for lazy in self.lazy_commands:
            self.add_command(TyperCommand(name=lazy.name, short_help=lazy.summary))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The named command, now imported."""
        name, command, rest = super().resolve_command(ctx, args)
        lazy = next((lazy for lazy in self.lazy_commands if lazy.name == name), None)
        return name, lazy.load() if lazy else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that the user can mend is one sentence on stderr and exit code 1."""
        try:
            return super().invoke(ctx)
        except MonitorError as error:
            _refuse(str(error))
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(_PREFACE)
            raise
        except BrokenPipeError:
            raise  # the reader of our output left; typer ends quietly
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            _refuse(f"{place}{error.strerror or error}")


def _refuse(sentence: str) -> None:
    # A config's problems are a line each; the names in them may hold anything.
    lines = "\n".join(printable(line) for line in sentence.split("\n"))
    sys.stderr.write(f"monitor: {lines}\n")
    raise typer.Exit(EXIT_ERROR)
