"""Opening a file of events by its name: NDJSON, CSV (both also packed with gzip) and Parquet."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.formats.csvfile import CsvSource
from monitoring_pipeline.events.formats.ndjson import NdjsonSource
from monitoring_pipeline.events.formats.rows import Source

_NDJSON = {".ndjson", ".jsonl", ".json"}
_READ_BYTES = 1 << 18
ALLOWED = "allowed are .ndjson, .jsonl, .json, .csv (each also with .gz) and .parquet"


@contextmanager
def open_source(path: Path, *, config: MonitoringConfig) -> Iterator[Source]:
    """The rows of a file, by the ending of its name; the config tells the types of a CSV file's columns.

    Raises:
        MonitorError: if the file is missing, not a file, not readable, damaged, or of another format.
    """
    if path.is_dir():
        raise MonitorError(f"{path} is a folder; name the files in it")
    name = path.name.lower()
    packed = name.endswith(".gz")
    ending = Path(name.removesuffix(".gz")).suffix
    if ending not in {*_NDJSON, ".csv", ".parquet"} or (packed and ending == ".parquet"):
        raise MonitorError(f"{path}: the format {path.suffix or 'without ending'} is not known; {ALLOWED}")
    with ExitStack() as stack:
        stack.enter_context(_readable(path))
        if ending == ".parquet":
            from monitoring_pipeline.events.formats.parquetfile import ParquetSource  # noqa: PLC0415  (pyarrow loads slowly)

            yield ParquetSource(path)
            return
        file = stack.enter_context(path.open("rb", buffering=_READ_BYTES))
        stream = stack.enter_context(_unpacked(file)) if packed else file
        fraction = _fraction_of(file, path.stat().st_size)
        if ending == ".csv":
            yield CsvSource(stream, config=config, fraction=fraction, where=str(path))
        else:
            yield NdjsonSource(stream, fraction=fraction)


def _unpacked(file: BinaryIO) -> BinaryIO:
    # The unpacker's own readline is slow; a buffer in front of it makes lines of large pieces.
    reader = gzip.GzipFile(fileobj=file)
    return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", reader), _READ_BYTES))


def _fraction_of(file: BinaryIO, size: int) -> Callable[[], float]:
    return lambda: min(1.0, file.tell() / max(1, size))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise MonitorError(f"{path} does not exist; check the name") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise MonitorError(
            f"{path} is damaged ({error}); what was read before the damage may be stored already: "
            "ingest the whole file when you have it, nothing is stored twice"
        ) from error
    except PermissionError as error:
        raise MonitorError(f"{path} cannot be read: {error.strerror}; check who may read it") from error
