"""Memory that is free goes back to the system."""

import ctypes
import platform
import subprocess
import sys
import threading
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text
from sqlalchemy import event as engine_events

from monitoring_pipeline.api import memory
from monitoring_pipeline.api.memory import give_back, let_go_of_pages, set_up_memory
from monitoring_pipeline.database import reading

BLOCK_BYTES = 4_000
BLOCKS = 10_000

# In a process of its own: what else a test run holds and frees moves the figure.
HOLES = f"""
import ctypes
from pathlib import Path
from resource import getpagesize
from monitoring_pipeline.api.memory import give_back, set_up_memory

def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()

set_up_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [libc.malloc({BLOCK_BYTES}) for _ in range({BLOCKS})]
for block in blocks:
    ctypes.memset(block, 1, {BLOCK_BYTES})
for block in blocks[:-1]:
    libc.free(ctypes.c_void_p(block))
before = resident_bytes()
give_back()
print(before - resident_bytes())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are asked for nothing")
def test_free_memory_below_a_block_in_use_is_returned() -> None:
    found = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)

    assert int(found.stdout) > 0.9 * BLOCK_BYTES * BLOCKS


def test_memory_is_given_back_again_and_again_until_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, times = threading.Event(), 0

    def noted() -> None:
        nonlocal times
        times += 1
        if times == 3:
            stop.set()

    monkeypatch.setattr(memory, "give_back", noted)

    memory.keep_giving_back(stop, every_seconds=0.001)

    assert times == 3


def test_a_connection_that_comes_back_forgets_what_it_has_read(engine: Engine) -> None:
    asked: list[str] = []

    def listen(connection: Any, *_: Any) -> None:
        connection.set_trace_callback(asked.append)

    if engine.dialect.name == "sqlite":
        engine_events.listen(engine, "checkout", listen)
    let_go_of_pages(engine)

    for _ in range(2):
        with reading(engine) as connection:
            assert connection.scalar(text("SELECT 1")) == 1
    with engine.connect() as connection:
        connection.invalidate()  # it broke: nothing can be asked of it any more

    forgets = ["SELECT 1", "COMMIT", "PRAGMA shrink_memory"]
    expected = forgets * 2 if engine.dialect.name == "sqlite" else []
    assert [each for each in asked if each in forgets] == expected


def test_on_another_system_nothing_is_asked_of_its_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)
    monkeypatch.setattr(pa, "set_memory_pool", lambda _pool: None)  # the tests that follow keep theirs

    set_up_memory()
    give_back()
