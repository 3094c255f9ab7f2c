"""The database schema's versions (alembic), applied when an installation is opened.

Two processes that open a fresh store at once both succeed: the upgrade runs under a lock.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.errors import MonitorError

# The newest version. Kept here so that a store that is up to date is recognised without importing alembic,
# which would cost every command a third of a second; a test holds it against the scripts.
HEAD = "0004"

# Any number, the same in every process: PostgreSQL's name for "migrating the monitor's schema".
_ADVISORY_LOCK = 6_202_611_200


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
        if _version(connection) != HEAD:
            _run(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def _run(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see HEAD
    from alembic.config import Config  # noqa: PLC0415 - see HEAD
    from alembic.util import CommandError  # noqa: PLC0415 - see HEAD

    config = Config()
    # Alembic reads options through ConfigParser, where a percent sign in a path would be an interpolation.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise MonitorError(
            f"the store's schema cannot be upgraded ({error}); it was probably written by a newer version, "
            "so upgrade this program or point store_url at another store"
        ) from error
