"""Hearing of every sync of a write-ahead log: SQLite's own file layer, with its function ``xSync`` listened to.

kill -9 cannot tell whether a commit was synced, for the kernel keeps what was written: power cuts and counting can.
What is patched is the table of functions that each open file of SQLite points to (sqlite3.h: ``sqlite3_vfs``,
``sqlite3_io_methods``), so every commit of this process is heard of, whoever makes it.
"""

import _sqlite3
import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_WORD = ctypes.sizeof(ctypes.c_void_p)
_METHODS_WORDS = 19  # iVersion and 18 functions
_SYNC_WORD = 5  # xClose, xRead, xWrite, xTruncate, xSync
_OPEN_OFFSET = 40  # of xOpen in sqlite3_vfs, behind three numbers, two pointers and the application's data
_OPEN_WAL = 0x00080000  # the flag with which a write-ahead log is opened

_Open = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
_Sync = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)

# Files outlive the listening, and go on calling what they were opened with.
_kept: list[Any] = []


@contextmanager
def listening_to_syncs(heard: Callable[[], None]) -> Iterator[None]:
    """Call ``heard`` right before a write-ahead log that is opened inside the block is synced."""
    assert _WORD == 8, "the offsets are those of 64 bits"
    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.c_void_p
    layer = library.sqlite3_vfs_find(None)
    assert layer, f"SQLite {sqlite3.sqlite_version} has no file layer"
    slot = ctypes.c_void_p.from_address(layer + _OPEN_OFFSET)
    opened = slot.value or 0
    real_open = _Open(opened)

    def listened_open(vfs: int, name: int, file: int, flags: int, flags_out: int) -> int:
        result: int = real_open(vfs, name, file, flags, flags_out)
        if result == 0 and flags & _OPEN_WAL:
            _listen(file, heard)
        return result

    callback = _Open(listened_open)
    _kept.append(callback)
    slot.value = ctypes.cast(callback, ctypes.c_void_p).value
    try:
        yield
    finally:
        slot.value = opened


def _listen(file: int, heard: Callable[[], None]) -> None:
    pointer = ctypes.c_void_p.from_address(file)  # the first member of an open file is its table of functions
    table = (ctypes.c_void_p * _METHODS_WORDS)()
    ctypes.memmove(table, pointer.value or 0, _METHODS_WORDS * _WORD)
    real_sync = _Sync(table[_SYNC_WORD] or 0)

    def listened_sync(synced: int, flags: int) -> int:
        heard()
        result: int = real_sync(synced, flags)
        return result

    callback = _Sync(listened_sync)
    table[_SYNC_WORD] = ctypes.cast(callback, ctypes.c_void_p).value
    pointer.value = ctypes.addressof(table)
    _kept.extend([callback, table])
