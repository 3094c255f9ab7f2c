"""Hour files are whole or absent, never changed, and named by their content."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.lake.files import STALE_AFTER_SECONDS, Lake, file_name

HOUR = 1_371_427_200_000_000


def rows(*values: float) -> pa.Table:
    return pa.table({"prediction_id": [f"p{i}" for i in range(len(values))], "predicted_value": list(values)})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(root=tmp_path / "lake")


def test_the_same_rows_give_the_same_file(lake: Lake) -> None:
    first = lake.store("logged_predictions", "m", HOUR, rows(1.0, 2.0))
    second = lake.store("logged_predictions", "m", HOUR, rows(1.0, 2.0))

    assert first == second
    assert len(list(lake.root.rglob("*.parquet"))) == 1


def test_changed_rows_leave_the_old_file_readable_to_those_who_hold_its_ledger_row(lake: Lake) -> None:
    old = lake.store("logged_predictions", "m", HOUR, rows(1.0))
    new = lake.store("logged_predictions", "m", HOUR, rows(9.0))

    assert lake.read(old.path, checksum=old.checksum)["predicted_value"].to_pylist() == [1.0]
    assert lake.read(new.path, checksum=new.checksum)["predicted_value"].to_pylist() == [9.0]


def test_a_damaged_file_is_refused_with_the_way_to_recover(lake: Lake) -> None:
    stored = lake.store("logged_predictions", "m", HOUR, rows(1.0, 2.0))
    path = lake.root / stored.path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(MonitorError, match=r"damaged.*materialize `logged_predictions`"):
        lake.read(stored.path, checksum=stored.checksum)


def test_a_missing_file_is_refused_with_the_way_to_recover(lake: Lake) -> None:
    with pytest.raises(MonitorError, match=r"missing.*materialize `logged_predictions`"):
        lake.read("logged_predictions/m/2013-06-17/00.parquet", checksum="0" * 64)


@pytest.mark.parametrize(
    "identifier", ["../../etc/passwd", "a/b", "..", ".", "", "nul\x00", "x" * 5000, "größe ☃", "A", "a"]
)
def test_any_model_id_names_one_folder_inside_the_lake(identifier: str, lake: Lake) -> None:
    stored = lake.store("logged_predictions", identifier, HOUR, rows(1.0))

    assert (lake.root / stored.path).resolve().is_relative_to(lake.root.resolve())
    assert len(Path(stored.path).parts) == 4


def test_different_model_ids_never_share_a_folder() -> None:
    names = [file_name(identifier) for identifier in ("a b", "a-b", "a/b", "a:b", "A b", "a b ")]

    assert len({name.lower() for name in names}) == len(names)


def test_the_sweep_removes_what_dead_writers_left_and_nothing_that_may_be_in_use(lake: Lake) -> None:
    stored = lake.store("logged_predictions", "m", HOUR, rows(1.0))
    superseded = lake.store("logged_predictions", "m", HOUR, rows(2.0))
    folder = (lake.root / stored.path).parent
    abandoned, fresh = folder / "00.abc.parquet.1.tmp", folder / "00.abc.parquet.2.tmp"
    abandoned.write_bytes(b"half a fi")
    fresh.write_bytes(b"being written")
    now = fresh.stat().st_mtime + STALE_AFTER_SECONDS + 10
    os.utime(fresh, (now, now))

    removed = lake.sweep(keep=[stored.path], now_seconds=now)

    assert {Path(path).name for path in removed} == {abandoned.name, Path(superseded.path).name}
    assert fresh.exists()
    assert lake.read(stored.path, checksum=stored.checksum).num_rows == 1


WRITER = """
import sys
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
from monitoring_pipeline.lake.files import Lake
lake, n = Lake(root=Path(sys.argv[1])), 0
while True:
    n += 1
    lake.store("logged_predictions", "m", 0, pa.table({"prediction_id": [str(n)] * 50_000, "v": [float(n)] * 50_000}))
    print(n, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_no_torn_file(tmp_path: Path) -> None:
    for attempt in range(5):
        root = tmp_path / str(attempt)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        for _ in range(attempt + 1):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()

        files = list(root.rglob("*.parquet"))

        assert files
        for path in files:
            assert pq.read_table(path).num_rows == 50_000
