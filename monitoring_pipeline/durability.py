"""What makes a commit safe from a power cut: a commit that was told of is on the disk, on either database.

SQLite syncs each commit with ``synchronous=FULL`` only. PostgreSQL does so unless ``synchronous_commit`` is off, which
a role, a database or an address can set for whoever connects: the sessions of the store turn it on again. A server
that runs with ``fsync`` off syncs nothing, whatever a session asks for; that can only be told.
"""

from contextlib import closing
from typing import Any

from sqlalchemy import Connection

# A writer waits this long for another writer's commit before it says that the store is busy.
BUSY_TIMEOUT_SECONDS = 60

# Pages of the file that a connection keeps in memory. What it has read is forgotten when another one commits, so more
# than a transaction works on is of no use: 64 MiB landed 10,000 rows no faster, and every connection may hold as much.
_CACHE_KIB = 4_096

# Pages that may wait in the log before they are copied into the file. Ids that come in no order touch a page each: a
# transaction of 1,600 fills SQLite's own limit of 1,000, and every page would be written twice for each commit. So a
# page that several commits change is copied once: 53 ms instead of 71 for such a transaction.
_LOG_PAGES = 4_000

# ``local`` and ``remote_write`` sync the commit on this server, too: how far standbys must be is the owner's choice.
_SYNCED_COMMITS = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)


def set_up_sqlite(connection: Any, _record: Any) -> None:
    """Set up a new connection of the driver."""
    # The driver's own implicit BEGIN would be deferred; the store's engine issues another.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{_CACHE_KIB}",
        f"wal_autocheckpoint={_LOG_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def set_up_postgresql(connection: Any, _record: Any) -> None:
    """Set up a new connection of the driver."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(_SYNCED_COMMITS)
    connection.commit()  # a setting is taken back with its transaction


def survives_power_cuts(connection: Connection) -> bool:
    """Whether the server syncs what is committed."""
    return connection.dialect.name == "sqlite" or connection.exec_driver_sql("SHOW fsync").scalar() == "on"
