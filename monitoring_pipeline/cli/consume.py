"""``monitor consume``: topics of Kafka into the store."""

import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Annotated

import typer

from monitoring_pipeline.cli.accounts import exit_code, show_accounts
from monitoring_pipeline.cli.options import ConfigOption, JsonOption
from monitoring_pipeline.cli.output import counted, say
from monitoring_pipeline.config.models import KafkaSource, MonitoringConfig
from monitoring_pipeline.config.problems import allowed_values
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import Installation, open_installation
from monitoring_pipeline.services.processes import StopSignals
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.kafka.reader import Consumed, TopicReader

# A line of progress no more often than this.
PROGRESS_SECONDS = 10.0
# A trouble that lasts, no more often than this.
REPEATED_SECONDS = 60.0

SourceOption = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="One source of type kafka; all of them if left out.")
]
UntilOption = Annotated[
    bool, typer.Option("--until-caught-up", help="End when the end of every partition was reached.")
]


def consume(
    source: SourceOption = None,
    until_caught_up: UntilOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor consume
      monitor consume --source live
      monitor consume --until-caught-up --json

    Store the messages of the sources of type kafka, until Ctrl-C or SIGTERM. Offsets are committed after the
    rows are stored, so a crash loses nothing, and what is read twice is stored once. Several processes share
    the partitions. Messages that the brokers deleted before they were read are told and counted as lost. The
    account is printed at the end, progress goes to stderr.

    \b
    Exit codes: 0 ended as asked, 1 the brokers or the store cannot be used,
    2 wrong usage; with --until-caught-up also 1 if messages were lost,
    3 if rows were rejected.
    """
    installation = open_installation(config)
    sources = _sources(installation.config, source)
    accounts: list[Account] = []
    try:
        with StopSignals() as signals:
            _read(installation, sources, accounts, stop=lambda: bool(signals.received), once=until_caught_up)
    finally:  # what was stored before an error is told, too
        show_accounts(accounts, as_json=as_json)
    raise typer.Exit(exit_code(accounts) if until_caught_up else 0)


def _sources(config: MonitoringConfig, name: str | None) -> dict[str, KafkaSource]:
    found = {name: source for name, source in config.sources.items() if isinstance(source, KafkaSource)}
    if not found:
        raise MonitorError("the config names no source of type kafka; add one under sources (docs/how-to/sources.md)")
    if name is not None and name not in found:
        raise MonitorError(f"there is no source {name!r} of type kafka; {allowed_values(name, found)}")
    return found if name is None else {name: found[name]}


def _read(
    installation: Installation,
    sources: Mapping[str, KafkaSource],
    accounts: list[Account],
    *,
    stop: Callable[[], bool],
    once: bool,
) -> None:
    """Each source in a thread of its own; if one cannot go on, all of them end."""
    intake = Intake(engine=installation.engine, config=installation.config, clock=installation.clock)
    failed: list[str] = []

    def run(reader: TopicReader) -> None:
        try:
            reader.run(stop=lambda: stop() or bool(failed), until_caught_up=once, progress=_Progress().after_each)
        except BaseException:
            failed.append(reader.account.source)
            raise

    with ExitStack() as stack:
        readers = [
            stack.enter_context(TopicReader(name, source, intake=intake, environ=os.environ, tell=_Told()))
            for name, source in sources.items()
        ]
        accounts += [reader.account for reader in readers]
        for reader in readers if once else ():
            reader.check_topics()
        say(f"reading {', '.join(topic for source in sources.values() for topic in source.topics)}")
        with ThreadPoolExecutor(len(readers)) as threads:
            for running in [threads.submit(run, reader) for reader in readers]:
                running.result()


class _Told:
    """What hinders a reading, on stderr; what the library says of brokers once a minute, for it tries all the time."""

    def __init__(self) -> None:
        self._told_at: dict[str, float] = {}
        # The library's own lines say the same once more; the handler keeps Python from printing them.
        logging.getLogger("monitoring_pipeline.sources.kafka").addHandler(logging.NullHandler())

    def __call__(self, sentence: str) -> None:
        """Say it, unless it is of a broker and was said just now; milliseconds in brackets make no difference."""
        trouble, now = sentence.partition(" (")[0], time.monotonic()
        is_of_brokers = sentence.startswith("sources.")
        if is_of_brokers and now - self._told_at.get(trouble, -REPEATED_SECONDS) < REPEATED_SECONDS:
            return
        self._told_at[trouble] = now
        say(sentence)


class _Progress:
    """Lines on stderr, not too many."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def after_each(self, consumed: Consumed) -> None:
        """Tell how far reading is, if the last line is old enough."""
        if time.monotonic() - self._told_at >= PROGRESS_SECONDS:
            self._told_at = time.monotonic()
            account = consumed.account
            say(f"{account.source}: {counted(account.received, 'message')} stored, {consumed.lag:,} behind")
