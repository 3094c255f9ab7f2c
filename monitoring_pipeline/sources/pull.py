"""Pulling: sources of files, addresses and tables are read on, once; each source's trouble is its own."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from monitoring_pipeline.config.models import FileSource, MonitoringConfig, SqlSource, UrlSource
from monitoring_pipeline.config.problems import allowed_values
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.files.pull import pull_files
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.positions import last_read_at
from monitoring_pipeline.sources.sql.pull import pull_sql
from monitoring_pipeline.sources.urls import pull_url
from monitoring_pipeline.windows import MICROSECOND

Pulled = FileSource | UrlSource | SqlSource


def pulled_sources(config: MonitoringConfig, names: Sequence[str] = ()) -> dict[str, Pulled]:
    """The sources that are pulled by name: those that are named, or all.

    Raises:
        MonitorError: if there is none of a name, or it is of another type.
    """
    found = {name: source for name, source in config.sources.items() if isinstance(source, Pulled)}
    for name in names:
        if name not in found:
            raise MonitorError(f"there is no source {name!r} of type files, url or sql; {allowed_values(name, found)}")
    return {name: source for name, source in found.items() if not names or name in names}


def pull(sources: Mapping[str, Pulled], *, intake: Intake, base: Path, environ: Mapping[str, str]) -> Iterator[Account]:
    """Read each source on; the account of each as soon as it is read.

    Args:
        sources: by name.
        intake: where the rows go.
        base: the folder of the config, which relative paths are relative to.
        environ: where secrets are looked up.
    """
    for name, source in sources.items():
        account = Account(source=name)
        try:
            if isinstance(source, FileSource):
                pull_files(name, source, intake=intake, base=base, into=account)
            elif isinstance(source, UrlSource):
                pull_url(name, source, intake=intake, environ=environ, into=account)
            else:
                pull_sql(name, source, intake=intake, environ=environ, into=account)
        except MonitorError as error:
            account.regret(str(error))
        yield account


def due_sources(sources: Mapping[str, Pulled], intake: Intake) -> list[str]:
    """The names of the sources that were last read longer ago than their ``every`` says."""
    read_at = last_read_at(intake.engine)
    now = intake.clock()
    return [
        name
        for name, source in sources.items()
        if name not in read_at or now - read_at[name] >= source.every // MICROSECOND
    ]
