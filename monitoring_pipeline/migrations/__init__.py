"""The database schema's versions (alembic), applied when an installation is opened.

Two processes that open a fresh store at once both succeed: the upgrade runs under a lock. That of a large store takes
minutes, so each version is told in the log as it is reached.
"""

import logging
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.errors import MonitorError

# The newest version. Kept here so that a store that is up to date is recognised without importing alembic,
# which would cost every command a third of a second; a test holds it against the scripts.
HEAD = "0004"

# Any number, the same in every process: PostgreSQL's name for "migrating the monitor's schema".
_ADVISORY_LOCK = 6_202_611_200

_LOG = logging.getLogger(__name__)


def upgrade(engine: Engine) -> None:
    """Bring the store's schema to :data:`HEAD`.

    Raises:
        MonitorError: if the store was written by a newer version of this program.
    """
    with reading(engine) as connection:
        if _version(connection) == HEAD:
            return
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        present = _version(connection)
        if present != HEAD:
            _run(connection, present=present)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _run(connection: Connection, *, present: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - see HEAD
    from alembic.config import Config  # noqa: PLC0415 - see HEAD
    from alembic.util import CommandError  # noqa: PLC0415 - see HEAD

    config = Config()
    # Alembic reads options through ConfigParser, where a percent sign in a path would be an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    if present is not None and present < HEAD:  # a fresh store is quick
        config.attributes["on_version_apply"] = _tell_reached
        told = "the store is brought from version %s to %s; a large one takes minutes, and begins anew if interrupted"
        _LOG.warning(told, present, HEAD)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise MonitorError(
            f"the store's schema cannot be upgraded ({error}); it was probably written by a newer version, "
            "so upgrade this program or point store_url at another store"
        ) from error


def _tell_reached(*, step: Any, **_: Any) -> None:  # alembic's MigrationInfo, and what it is not asked for
    _LOG.warning("the store is at version %s of %s", step.up_revision_id, HEAD)
