"""``python -m monitoring_pipeline.services.prepare``: bring every schema up to date, once, then stop.

Several processes that open a fresh Dagster instance on SQLite at once crash each other, so whoever starts them
(``monitor dev``, the ``init`` service of docker-compose.yml) runs this first.
"""

import sys

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import open_installation


def main() -> int:
    """The event store's schema, then the Dagster instance's; the exit code."""
    try:
        installation = open_installation()
        from monitoring_pipeline.definitions import prepare_instance  # heavy; not for a broken config  # noqa: PLC0415

        prepare_instance(installation)
    except MonitorError as error:
        sys.stderr.write(f"monitor: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
