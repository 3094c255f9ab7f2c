import subprocess
import sys
from pathlib import Path

import pytest

from monitoring_pipeline.locks import alone


def test_a_lock_has_one_holder_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "new" / "store.lock"

    refused = pytest.raises(OSError, match=r"store\.lock cannot be had: database is locked")
    with alone(lock), refused, alone(lock, timeout_seconds=0):
        pass
    with alone(lock, timeout_seconds=0):
        pass


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path: Path) -> None:
    lock = tmp_path / "store.lock"
    script = (
        "import pathlib, sys\n"
        "from monitoring_pipeline.locks import alone\n"
        "with alone(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(OSError, match="database is locked"), alone(lock, timeout_seconds=0):
            pass
        holder.kill()

    with alone(lock, timeout_seconds=0):
        pass


def test_a_lock_that_cannot_be_made_says_where(tmp_path: Path) -> None:
    (tmp_path / "store.lock").mkdir()

    with pytest.raises(OSError, match=r"store\.lock cannot be had"), alone(tmp_path / "store.lock"):
        pass
