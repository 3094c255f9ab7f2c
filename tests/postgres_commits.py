"""How far PostgreSQL's write-ahead log is on the disk, and where in it the commit of each row stands.

The server itself says how far it has synced, and its tool ``pg_waldump`` tells what is in the log. With ``fsync`` off,
as the tests' server runs, the server counts just the same, and leaves only the call to the disk out.
"""

import re
import subprocess
from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection, Engine, create_engine, text

_FLUSHED = "SELECT pg_current_wal_flush_lsn()"
_COMMIT = re.compile(r"len \(rec/tot\): +\d+/ *(\d+), tx: +(\d+), lsn: ([0-9A-F/]+), .* desc: COMMIT ")
_WRITERS = "SELECT prediction_id, CAST(CAST(xmin AS text) AS bigint) FROM predictions"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLog:
    """The log from one moment on; a context manager that ends its connection."""

    engine: Engine
    connection: Connection
    begun: str

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """The log from now on, of the server that the engine's store is on."""
        own = create_engine(engine.url, isolation_level="AUTOCOMMIT")
        connection = own.connect()
        return cls(engine=own, connection=connection, begun=str(connection.scalar(text(_FLUSHED))))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.engine.dispose()

    def flushed(self) -> int:
        """How many bytes of the log are on the disk."""
        return _bytes(str(self.connection.scalar(text(_FLUSHED))))

    def commits(self) -> dict[str, int]:
        """How many bytes of the log must be on the disk for the commit of each prediction to be there."""
        self.connection.execute(text("CHECKPOINT"))  # to read the log, all of it must be written
        ends = {int(writer): _bytes(at) + int(length) for length, writer, at in _COMMIT.findall(self._told())}
        return {name: ends[writer] for name, writer in self.connection.execute(text(_WRITERS))}

    def _told(self) -> str:
        folder = f"{self.connection.scalar(text('SHOW data_directory'))}/pg_wal"
        end = str(self.connection.scalar(text(_FLUSHED)))
        programs = self.connection.scalar(text("SELECT setting FROM pg_config WHERE name = 'BINDIR'"))
        command = [f"{programs}/pg_waldump", "--path", folder, "--rmgr", "Transaction"]
        done = subprocess.run(
            [*command, "--start", self.begun, "--end", end], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def _bytes(position: str) -> int:
    high, low = position.split("/")
    return (int(high, 16) << 32) + int(low, 16)
