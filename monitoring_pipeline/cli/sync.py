"""``monitor sync``: sources of files, addresses and tables read on, once or for ever."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from monitoring_pipeline.cli.accounts import exit_code, show_accounts
from monitoring_pipeline.cli.options import ConfigOption, JsonOption
from monitoring_pipeline.cli.output import say
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.services.processes import POLL_SECONDS, StopSignals
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.pull import Pulled, pull, pulled_sources

SourcesOption = Annotated[
    list[str] | None, typer.Option("--source", metavar="NAME", help="One source, and more if repeated; else all.")
]
WatchOption = Annotated[
    float | None, typer.Option("--watch", metavar="SECONDS", min=0.1, help="Again and again, with this pause.")
]


def sync(
    source: SourcesOption = None, watch: WatchOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """Examples:

    \b
      monitor sync
      monitor sync --source warehouse --json
      monitor sync --watch 10

    Store what is new in the sources of type files, url and sql: files that appeared or changed, lines that were
    appended, rows behind the last watermark. How far each was read is stored together with what was read, so a
    crash skips nothing and stores nothing twice. With --watch only readings with news are printed; Ctrl-C ends it.

    \b
    Exit codes: 0 nothing was rejected, 1 a source cannot be read, 2 wrong usage,
    3 rows were rejected; with --watch 0.
    """
    installation = open_installation(config)
    if not pulled_sources(installation.config):
        raise MonitorError(
            "the config names no source of type files, url or sql; add one under sources (docs/how-to/sources.md)"
        )
    sources = pulled_sources(installation.config, source or ())
    if watch is None:
        accounts = _read_on(installation, sources)
        show_accounts(accounts, as_json=as_json)
        raise typer.Exit(exit_code(accounts))
    _keep_reading(installation, sources, pause_seconds=watch, as_json=as_json)


def _keep_reading(
    installation: Installation, sources: dict[str, Pulled], *, pause_seconds: float, as_json: bool
) -> None:
    with StopSignals() as signals:
        say(f"reading {', '.join(sources)} every {pause_seconds:g} s; Ctrl-C ends it")
        while not signals.received:
            news = [account for account in _read_on(installation, sources) if account.received or account.troubles]
            if news:
                show_accounts(news, as_json=as_json)
            until = time.monotonic() + pause_seconds
            while not signals.received and (left := until - time.monotonic()) > 0:
                time.sleep(min(left, POLL_SECONDS))


def _read_on(installation: Installation, sources: dict[str, Pulled]) -> list[Account]:
    intake = Intake(engine=installation.engine, config=installation.config, clock=installation.clock)
    file = installation.config_file
    base = Path.cwd() if file is None else file.resolve().parent
    return list(pull(sources, intake=intake, base=base, environ=os.environ))
