"""Files as a source: each row once, lines only when they are complete, and nothing missed in between."""

import gzip
import itertools
import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.config.models import FileSource, MonitoringConfig
from monitoring_pipeline.events.schema import MAX_LINE_BYTES
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.files.growing import Mark, stretches
from monitoring_pipeline.sources.files.pull import has_news, pull_files
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.positions import positions_of
from monitoring_pipeline.sources.pull import due_sources, pull
from tests.conftest import FixedClock
from tests.ingest_examples import actual, prediction, stored, write_ndjson


def lines(*numbers: int) -> bytes:
    return b"".join(orjson.dumps(prediction(prediction_id=f"p{number}")) + b"\n" for number in numbers)


def add(file: Path, written: bytes) -> None:
    with file.open("ab") as opened:
        opened.write(written)


def rest(file: Path, clock: FixedClock, *, seconds: float = 3_600) -> None:
    """Let a file look as if it had been written some time ago."""
    at = clock.now / 1e6 - seconds
    os.utime(file, (at, at))


def read_on(engine: Engine, clock: FixedClock, base: Path, path: str = "*", **declared: Any) -> Account:
    source = FileSource(**{"type": "files", "path": path, **declared})
    intake = Intake(engine=engine, config=MonitoringConfig(), clock=clock)
    [account] = pull({"exports": source}, intake=intake, base=base, environ={})
    return account


def ids(engine: Engine) -> set[str]:
    return {row["prediction_id"] for row in stored(engine, "predictions")}


def test_each_file_is_read_once_and_new_ones_as_they_come(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_ndjson(folder / "a.ndjson", [prediction(prediction_id="p1")])
    first = read_on(engine, clock, tmp_path, "in")
    write_ndjson(folder / "b.jsonl", [actual(prediction_id="p1")])

    second = read_on(engine, clock, tmp_path, "in")
    third = read_on(engine, clock, tmp_path, "in")

    assert [(each.parts, each.accepted, each.duplicates) for each in (first, second, third)] == [
        (1, 1, 0),
        (1, 1, 0),
        (0, 0, 0),
    ]
    assert len(stored(engine, "actuals")) == 1


def test_a_file_that_grows_is_read_from_its_last_complete_line(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    file = tmp_path / "live.ndjson"
    half = lines(3)[:40]
    add(file, lines(1, 2) + half)
    first = read_on(engine, clock, tmp_path)
    add(file, lines(3)[40:] + b"{broken\n" + lines(4))

    second = read_on(engine, clock, tmp_path)

    assert (first.accepted, second.accepted, second.duplicates) == (2, 2, 0)
    assert first.remarks == [f"{file}: 40 bytes behind its last complete line wait for the end of theirs"]
    assert [row["line"] for row in stored(engine, "quarantine")] == [4]
    assert ids(engine) == {"p1", "p2", "p3", "p4"}


def test_a_last_line_without_end_is_taken_when_it_is_a_whole_object(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    file = tmp_path / "live.ndjson"
    add(file, lines(1).rstrip())
    first = read_on(engine, clock, tmp_path)
    add(file, b"\n" + lines(2))

    second = read_on(engine, clock, tmp_path)

    assert (first.accepted, first.remarks, second.accepted, second.rejected) == (1, [], 1, 0)


def test_a_file_that_was_renamed_is_read_to_its_end_and_the_new_one_from_its_beginning(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    file = tmp_path / "live.ndjson"
    add(file, lines(1, 2))
    read_on(engine, clock, tmp_path, "live.*")
    add(file, lines(3))
    file.rename(tmp_path / "live.1.ndjson")
    add(file, lines(4, 5, 6, 7))

    account = read_on(engine, clock, tmp_path, "live.*")

    assert (account.accepted, account.duplicates) == (5, 0)
    assert ids(engine) == {f"p{number}" for number in range(1, 8)}


@pytest.mark.parametrize("later", [lines(8), lines(8, 9, 10, 11)])
def test_a_file_that_was_cut_is_read_from_its_beginning_and_that_is_told(
    engine: Engine, tmp_path: Path, clock: FixedClock, later: bytes
) -> None:
    file = tmp_path / "live.ndjson"
    add(file, lines(1, 2))
    read_on(engine, clock, tmp_path)
    file.write_bytes(later)

    account = read_on(engine, clock, tmp_path)

    assert account.accepted == later.count(b"\n")
    assert "was replaced, or cut and written anew" in account.remarks[0]


def test_other_formats_are_read_whole_once_they_have_rested(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    header, row = "timestamp,model_id,prediction_id,predicted_value", "2026-03-02 09:00:00,delay,{},12.5"
    table = tmp_path / "t.csv"
    table.write_text(f"{header}\n{row.format('c1')}\n")
    packed = tmp_path / "z.ndjson.gz"
    packed.write_bytes(gzip.compress(lines(1)))
    pq.write_table(pa.Table.from_pylist([prediction(prediction_id="q1", features=...)]), tmp_path / "q.parquet")
    for file in (table, packed, tmp_path / "q.parquet"):
        rest(file, clock, seconds=10)
    too_early = read_on(engine, clock, tmp_path)
    clock.advance(seconds=60)
    first = read_on(engine, clock, tmp_path)
    table.write_text(f"{header}\n{row.format('c1')}\n{row.format('c2')}\n")
    rest(table, clock)

    second = read_on(engine, clock, tmp_path)

    assert [(each.parts, each.accepted, each.duplicates) for each in (too_early, first, second)] == [
        (0, 0, 0),
        (3, 3, 0),
        (1, 1, 1),
    ]
    assert ids(engine) == {"c1", "c2", "p1", "q1"}


def test_a_file_that_cannot_be_read_hinders_no_other_and_is_tried_again(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    damaged = tmp_path / "a.csv.gz"
    damaged.write_bytes(b"not packed at all")
    strange = tmp_path / "b.ndjson"
    strange.write_bytes(b'{"neither": 1}\n')
    add(tmp_path / "c.ndjson", lines(1))
    rest(damaged, clock)

    accounts = [read_on(engine, clock, tmp_path) for _ in range(2)]

    assert accounts[0].accepted == 1
    for account in accounts:
        assert [sentence.split(": ")[0].split(" ")[0] for sentence in account.troubles] == [str(damaged), str(strange)]


def test_what_is_no_event_file_is_passed_over(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    for name in (".hidden.ndjson", "part.tmp", "README.md"):
        (tmp_path / name).write_bytes(lines(1))
    (tmp_path / "folder.ndjson").mkdir()
    os.mkfifo(tmp_path / "pipe.ndjson")  # to open it would wait for a writer

    account = read_on(sqlite_engine, clock, tmp_path)

    assert (account.parts, account.troubles) == (0, [])


def test_lines_that_are_too_long_are_refused_and_reading_goes_on_behind_them(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    add(tmp_path / "live.ndjson", b"x" * (MAX_LINE_BYTES + 5) + b"\n" + lines(1))

    account = read_on(engine, clock, tmp_path, kind="predictions")

    assert (account.accepted, account.reasons) == (1, {"too_large": 1})
    assert read_on(engine, clock, tmp_path).received == 0


def test_however_a_file_grows_and_is_read_each_line_is_found_once(tmp_path: Path) -> None:
    randomness = random.Random(7)
    whole = b"".join(
        randomness.choice([b"\n", b"\r\n", b"{broken\n", lines(number), lines(number).replace(b"\n", b"\r\n")])
        for number in range(300)
    )
    expected = [line.rstrip(b"\r\n") for line in whole.split(b"\n") if line.strip()]
    file = tmp_path / "live.ndjson"
    file.touch()
    found: list[bytes] = []
    mark, written = Mark(), 0

    while written < len(whole):
        size = randomness.randrange(1, 600)
        add(file, whole[written : written + size])
        written += size
        with file.open("rb") as opened:
            assert written == size or mark.fits(opened)
            for rows, behind in stretches(opened, mark, most_rows=randomness.randrange(1, 5), most_bytes=500):
                found += [bytes(row.raw).rstrip(b"\r\n") for row in rows if isinstance(row.raw, bytes)]
                mark = behind

    assert found == expected
    assert mark.lines == whole.count(b"\n")


def test_a_crash_at_any_moment_skips_nothing(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    add(tmp_path / "live.ndjson", lines(*range(40)))
    source, counts = FileSource(type="files", path="*"), []

    # Each landing asks the clock twice: before its transaction, and inside it.
    for asked in (1, 2, 3, 4, 5, 100):
        intake = Intake(engine=engine, config=MonitoringConfig(), clock=_dying(clock, after=asked))
        with suppress(_CrashError):
            pull_files("exports", source, intake=intake, base=tmp_path, into=Account(source="exports"), batch_rows=7)
        counts.append(len(stored(engine, "predictions")))

    assert counts == [0, 7, 14, 28, 40, 40]
    assert sum(row["duplicate_count"] for row in stored(engine, "ingest_batches")) == 0


class _CrashError(BaseException):
    """The process is gone."""


def _dying(clock: Clock, *, after: int) -> Clock:
    """A clock that ends the process when it is asked once too often."""
    asked = itertools.count(1)

    def dying() -> int:
        if next(asked) > after:
            raise _CrashError
        return clock()

    return dying


def test_news_are_seen_without_reading(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    source = FileSource(type="files", path="*.ndjson")
    intake = Intake(engine=sqlite_engine, config=MonitoringConfig(), clock=clock)
    add(tmp_path / "live.ndjson", lines(1))

    before = has_news(source, "exports", intake=intake, base=tmp_path)
    read_on(sqlite_engine, clock, tmp_path, "*.ndjson")
    after = has_news(source, "exports", intake=intake, base=tmp_path)
    add(tmp_path / "live.ndjson", lines(2))

    assert (before, after) == (True, False)
    assert has_news(source, "exports", intake=intake, base=tmp_path)


def test_a_source_is_due_when_it_has_rested_as_long_as_is_said(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    sources = {"exports": FileSource.model_validate({"type": "files", "path": "*", "every": "PT5M"})}
    intake = Intake(engine=engine, config=MonitoringConfig(), clock=clock)

    never = due_sources(sources, intake)
    read_on(engine, clock, tmp_path)
    at_once = due_sources(sources, intake)
    clock.advance(seconds=300)

    assert (never, at_once, due_sources(sources, intake)) == (["exports"], [], ["exports"])
    assert positions_of(engine, "exports") == {"": {}}
