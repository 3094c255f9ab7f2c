"""``monitor config``: check ``monitoring.yaml``, and print the schema that editors use."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from monitoring_pipeline.cli.options import ConfigOption, JsonOption
from monitoring_pipeline.cli.output import print_json, say
from monitoring_pipeline.config.home import config_path
from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.config.problems import ConfigError, Problem, render_path
from monitoring_pipeline.config.remarks import remarks
from monitoring_pipeline.config.schema import config_schema
from monitoring_pipeline.errors import MonitorError

app = typer.Typer(
    no_args_is_help=True,
    help="""Examples:

    \b
      monitor config validate
      monitor config schema > monitoring.schema.json

    Check monitoring.yaml, or print its JSON schema.
    """,
)

FileArgument = Annotated[
    Path | None, typer.Argument(metavar="FILE", show_default=False, help="The file; --config and its rule if left out.")
]


@app.command(short_help="Check the config; every problem with its line.")
def validate(file: FileArgument = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Examples:

    \b
      monitor config validate
      monitor config validate deploy/monitoring.yaml
      monitor config validate --json

    Check the config. Every problem is printed with file, line, key, what is allowed and what was probably
    meant. Ends with 0 if the config is valid and 1 if not; --json prints the problems as a list. What a valid
    config needs and is not there (a reference, its file, a secret's variable) is a warning on stderr.
    """
    path = config_path(file or config)
    if path is None:
        raise MonitorError("there is no monitoring.yaml in this folder; name a file, or set MONITOR_CONFIG")
    try:
        loaded = load_config(path)
    except ConfigError as error:
        if not as_json:
            raise
        print_json([_as_row(error.file, problem) for problem in error.problems])
        raise typer.Exit(1) from None
    if as_json:
        print_json([])
    else:
        typer.echo(f"{path} is valid: {_summary(loaded)}")
    for remark in remarks(loaded, base=path.resolve().parent, environ=os.environ):
        say(f"warning: {path}: {remark}")


@app.command(short_help="Print the JSON schema of monitoring.yaml.")
def schema() -> None:
    """Examples:

    \b
      monitor config schema > monitoring.schema.json

    Print the JSON schema (draft 2020-12) of monitoring.yaml. Editors complete and check the file with it if
    its first line is: # yaml-language-server: $schema=monitoring.schema.json
    """
    typer.echo(json.dumps(config_schema(), indent=2, ensure_ascii=False))


def _as_row(file: str, problem: Problem) -> dict[str, object]:
    return {"file": file, "line": problem.line, "path": render_path(problem.path), "message": problem.message}


def _summary(config: MonitoringConfig) -> str:
    rules = sum(len(model.rules) for model in config.models)
    counts = {"model": len(config.models), "rule": rules, "channel": len(config.channels)}
    if config.sources:
        counts["source"] = len(config.sources)
    return ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items())
