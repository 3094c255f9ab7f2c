"""Files as a source: each that appears is read once, and NDJSON that grows is read on."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path
from typing import Any, BinaryIO

from monitoring_pipeline.config.models import FileSource
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.formats.kinds import infer_kind
from monitoring_pipeline.events.formats.ndjson import NdjsonSource
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.ingest import BATCH_ROWS
from monitoring_pipeline.events.schema import Kind
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.files.growing import Mark, stretches
from monitoring_pipeline.sources.files.whole import Look, read_whole
from monitoring_pipeline.sources.intake import Intake, Portion
from monitoring_pipeline.sources.positions import WHOLE, Position, positions_of
from monitoring_pipeline.windows import MICROSECOND

_STRETCH_BYTES = 32_000_000
_GROWING = (".ndjson", ".jsonl", ".json")
_WHOLE = (".csv", ".csv.gz", ".parquet", *(f"{ending}.gz" for ending in _GROWING))


def matching_files(source: FileSource, base: Path) -> list[Path]:
    """The files that a source names now, in the order of their names; those of other formats are none.

    A folder means the files in it, a pattern those that match (``**`` is any depth). Names that begin with a dot are
    passed over, as shells do: many programs write under such a name and rename what is complete.
    """
    path = base / Path(source.path).expanduser()
    if path.is_dir():
        found = list(path.iterdir())
    elif has_magic(source.path):
        # Not Path.glob: a pattern may be absolute, or lead out of the folder.
        found = [Path(name) for name in glob(str(path), recursive=True)]  # noqa: PTH207 - see above
    else:
        found = [path]
    known = (*_GROWING, *_WHOLE)
    return sorted(
        file for file in found if file.is_file() and not file.name.startswith(".") and file.name.lower().endswith(known)
    )


def has_news(source: FileSource, name: str, *, intake: Intake, base: Path) -> bool:
    """Whether a file is there that was not read to its end, by a look at names, sizes and times alone."""
    positions = positions_of(intake.engine, name)
    return any(not _seems_read(file, positions.get(str(file))) for file in matching_files(source, base))


def pull_files(
    name: str, source: FileSource, *, intake: Intake, base: Path, into: Account, batch_rows: int = BATCH_ROWS
) -> None:
    """Read what is new in the files of a source.

    Args:
        name: the source's name in the config.
        source: its declaration.
        intake: where the rows go.
        base: the folder that a relative path is relative to.
        into: the account to which they are added; it also notes what is wrong with single files.
        batch_rows: the most rows of one transaction.

    Raises:
        MonitorError: if the store cannot be opened.
    """
    positions = positions_of(intake.engine, name)
    pull = _Pull(name=name, source=source, intake=intake, positions=positions, account=into, batch_rows=batch_rows)
    for file in matching_files(source, base):
        try:
            pull.read(file)
        except MonitorError as error:
            into.regret(str(error))
        except OSError as error:
            into.regret(f"{file} cannot be read: {error.strerror}; it is tried again at the next reading")
    intake.land([], positions=[Position(source=name, part=WHOLE, value={})])


def _seems_read(file: Path, position: Mapping[str, Any] | None) -> bool:
    look = Look.at(file)
    mark = Mark.of(position)
    return look.is_in(position) if mark is None else mark.offset == look.size


@dataclass(kw_only=True)
class _Pull:
    """One reading of a source."""

    name: str
    source: FileSource
    intake: Intake
    positions: dict[str, dict[str, Any]]
    account: Account
    batch_rows: int

    def read(self, file: Path) -> None:
        """Read what is new in a file, if anything is."""
        position = self.positions.get(str(file))
        if file.name.lower().endswith(_GROWING):
            self._read_on(file, Mark.of(position))
            return
        look = Look.at(file)
        rested = self.intake.clock() - look.modified_ns // 1_000
        if look.is_in(position) or rested < self.source.settle // MICROSECOND:
            return
        self.account.parts += 1
        read_whole(file, look, kind=self.source.kind, source=self.name, intake=self.intake, into=self.account)

    def _read_on(self, file: Path, mark: Mark | None) -> None:
        with file.open("rb") as opened:
            begun = self._begun(file, opened, mark)
            kind, offset = self.source.kind or begun.kind, begun.offset
            for rows, behind in stretches(opened, begun, most_rows=self.batch_rows, most_bytes=_STRETCH_BYTES):
                kind = kind or _kind_of(opened, rows, where=str(file))
                position = Position(source=self.name, part=str(file), value=replace(behind, kind=kind).as_position())
                self._land(file, rows, kind, position)
                offset = behind.offset
            waiting = os.fstat(opened.fileno()).st_size - offset
        self.account.parts += offset > begun.offset
        if waiting > 0:
            self.account.remark(f"{file}: {waiting} bytes behind its last complete line wait for the end of theirs")

    def _begun(self, file: Path, opened: BinaryIO, mark: Mark | None) -> Mark:
        """Where reading begins: at the file's own mark, at that of the file it was before, or at its first byte."""
        if mark is not None and mark.fits(opened):
            return mark
        moved = next((other for path, other in self._marks() if other.fits(opened) and _has_left(path, other)), None)
        if mark is not None and moved is None:
            self.account.remark(
                f"{file} was replaced, or cut and written anew; it is read from its beginning. "
                "If files are renamed in turn, let path match all their names, so that no last line is missed"
            )
        return moved or Mark()

    def _marks(self) -> Iterator[tuple[Path, Mark]]:
        for path, position in self.positions.items():
            mark = Mark.of(position)
            if mark is not None and mark.offset:
                yield Path(path), mark

    def _land(self, file: Path, rows: list[Row], kind: str | None, position: Position) -> None:
        portions = [] if kind is None or not rows else [Portion(kind=Kind(kind), name=file.name, rows=rows)]
        for tally in self.intake.land(portions, positions=[position]):
            self.account.add(tally)


def _kind_of(opened: BinaryIO, rows: list[Row], *, where: str) -> Kind | None:
    kind, _ = infer_kind(NdjsonSource(opened, fraction=lambda: 0.0), iter(rows), where=where)
    return kind


def _has_left(path: Path, mark: Mark) -> bool:
    """Whether the file that a mark was made in is no longer at its path."""
    try:
        with path.open("rb") as file:
            return not mark.fits(file)
    except OSError:
        return True
