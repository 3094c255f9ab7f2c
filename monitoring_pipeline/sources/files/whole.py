"""Files that are read as a whole, once they have rested: CSV, Parquet, and whatever is packed.

What half of such a file says cannot be trusted: a number may be cut. If the file is another one later, it is read
again from its first row, and what is stored already is recognised.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from monitoring_pipeline.events.formats.files import open_source
from monitoring_pipeline.events.formats.kinds import infer_kind
from monitoring_pipeline.events.ingest import in_batches
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake, Portion
from monitoring_pipeline.sources.positions import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What tells a file from an earlier state of itself, without reading it."""

    size: int
    modified_ns: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> "Look":
        """How the file looks now."""
        found = path.stat()
        return cls(size=found.st_size, modified_ns=found.st_mtime_ns, inode=found.st_ino)

    def is_in(self, position: Mapping[str, Any] | None) -> bool:
        """Whether the file looked the same when it was read."""
        return position is not None and asdict(self) == dict(position)


def read_whole(
    path: Path,
    look: Look,
    *,
    kind: Literal["predictions", "actuals"] | None,
    source: str,
    intake: Intake,
    into: Account,
) -> None:
    """Land all rows of a file; its position is kept when the last ones are stored.

    Args:
        path: the file.
        look: how it looked before it was opened; if it changes meanwhile, it will be read again.
        kind: what its rows are; told by its columns where not given.
        source: the source's name in the config.
        intake: where the rows go.
        into: the account to which they are added.

    Raises:
        MonitorError: if the file or the store cannot be used, or the kind cannot be told.
    """
    land_all(path, kind=kind, name=path.name, intake=intake, into=into)
    intake.land([], positions=[Position(source=source, part=str(path), value=asdict(look))])


def land_all(
    path: Path, *, kind: Literal["predictions", "actuals"] | None, name: str, intake: Intake, into: Account
) -> None:
    """Land all rows of a file, which the quarantine calls ``name``; the other arguments are those of above.

    Raises:
        MonitorError: as above.
    """
    with open_source(path, config=intake.config) as opened:
        rows = opened.rows()
        found = None if kind is None else Kind(kind)
        if found is None:
            found, rows = infer_kind(opened, rows, where=str(path))
        if found is None:
            return
        for batch in in_batches(rows):
            for tally in intake.land([Portion(kind=found, name=name, rows=batch)], positions=[]):
                into.add(tally)
