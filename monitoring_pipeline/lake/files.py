"""Hour files: Parquet, published atomically, named by their content.

A file's name carries the hash of its bytes, so a file never changes: the same rows give the same path, a
rerun writes nothing, and a reader that holds an older ledger row still finds whole, old bytes.
"""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.windows import from_micros

TEMPORARY_SUFFIX = ".tmp"

# No publish takes this long, so an older temporary file belongs to a process that died.
STALE_AFTER_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What the ledger keeps of a published file."""

    path: str  # relative to the lake's root
    checksum: str  # sha256, hex
    row_count: int
    byte_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """A folder of immutable hour files.

    Args:
        root: the folder; made when the first file is written.
    """

    root: Path

    def store(self, dataset: str, model_id: str, hour: int, table: pa.Table) -> StoredFile:
        """Publish one model's hour: temporary file, fsync, rename, fsync of the folder.

        After a crash at any line the file is either whole or not there.
        """
        data = _parquet_bytes(table)
        checksum = hashlib.sha256(data).hexdigest()
        instant = from_micros(hour)
        folder = self.root / dataset / file_name(model_id) / f"{instant:%Y-%m-%d}"
        path = folder / f"{instant:%H}.{checksum[:16]}.parquet"
        if not _reused(path, data):
            _write_atomically(path, data)
        return StoredFile(
            path=path.relative_to(self.root).as_posix(),
            checksum=checksum,
            row_count=table.num_rows,
            byte_count=len(data),
        )

    def read(self, path: str, *, checksum: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of one file that the ledger names, after its bytes were checked.

        A column that the file does not have is left out: it was not declared when the file was written.

        Raises:
            MonitorError: if the file is missing or its bytes are not those that were published.
        """
        try:
            data = (self.root / path).read_bytes()
        except FileNotFoundError:
            raise MonitorError(f"lake file {path} is missing; {_RECOVERY}") from None
        if hashlib.sha256(data).hexdigest() != checksum:
            raise MonitorError(f"lake file {path} is damaged: its checksum is not the ledger's; {_RECOVERY}")
        # Half the time of read_table, which prepares for datasets of many files.
        file = pq.ParquetFile(pa.BufferReader(data))
        return file.read(columns=None if columns is None else list(columns), use_threads=False)

    def holds(self, path: str | None) -> bool:
        """Whether a file of this path is there; what is in it is looked at when it is read."""
        return path is not None and (self.root / path).is_file()

    def spare(self, path: str) -> None:
        """Let a superseded file live for another hour: a stage may have found it in the ledger a moment ago."""
        with suppress(FileNotFoundError):
            os.utime(self.root / path)

    def sweep(self, keep: Iterable[str], *, now_seconds: float | None = None) -> list[str]:
        """Remove what crashed writers left, and files that no ledger row names any more.

        Only files older than an hour are touched: younger ones may belong to a publish that is under way, or were
        superseded so lately (:meth:`spare`) that a stage still reads them.

        Args:
            keep: the paths that the ledger names.
            now_seconds: seconds since the epoch; the present by default.

        Returns:
            The removed paths, relative to the root.
        """
        horizon = (time.time() if now_seconds is None else now_seconds) - STALE_AFTER_SECONDS
        kept = set(keep)
        removed = []
        for path in sorted(self.root.rglob("*")):
            relative = path.relative_to(self.root).as_posix()
            ours = path.suffix in (".parquet", TEMPORARY_SUFFIX) and relative not in kept
            if ours and _removed(path, horizon):
                removed.append(relative)
        return removed


_RECOVERY = (
    "materialize `logged_predictions` and what follows it for that hour to write it again from the event store "
    "(an hour whose events retention has removed comes back only from a backup of the lake)"
)


def file_name(identifier: str) -> str:
    """A safe folder name for any identifier: a readable slug and a hash, so no two identifiers share one."""
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", identifier).strip(".-")[:60] or "model"
    return f"{slug}~{hashlib.sha256(identifier.encode()).hexdigest()[:10]}"


def _parquet_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    # One row group and no dictionary pages for unique ids keep small files small and their bytes stable.
    pq.write_table(table, sink, compression="zstd", use_dictionary=_repeated_columns(table), store_schema=True)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _repeated_columns(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema if pa.types.is_string(field.type) and field.name != "prediction_id"]


def _reused(path: Path, data: bytes) -> bool:
    """Whether the file is there already and whole; if so it is made young again, so that no sweep takes it now.

    A damaged file has the right name and the wrong bytes, and is written again.
    """
    try:
        if path.read_bytes() != data:
            return False
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _removed(path: Path, horizon: float) -> bool:
    """Remove an old file, unless a publish takes it into use, or another sweep removes it, at this very moment."""
    aside = path.with_name(f"{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    try:
        if not path.is_file() or path.stat().st_mtime >= horizon:
            return False
        path.rename(aside)
        if aside.stat().st_mtime >= horizon:
            aside.rename(path)
            return False
        aside.unlink()
    except FileNotFoundError:
        return False
    return True


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
