"""``python -m monitoring_pipeline.services.webserver``: ``dagster-webserver`` with its options, behind the guard.

``MONITOR_ALLOWED_HOSTS`` (names separated by commas) says under which names besides loopback it may be addressed.
"""

import os
from importlib import import_module
from typing import Any

from monitoring_pipeline.access.browsers import allowed_hosts
from monitoring_pipeline.services.guard import BrowserGuard


def main() -> None:
    """Run Dagster's own command line, its application wrapped."""
    cli = import_module("dagster_webserver.cli")
    hosts = allowed_hosts(os.environ)
    # There is no option for middleware. If this name is gone in a later version, starting fails: better than
    # to serve unguarded; a test asks the real server.
    build = cli.create_app_from_workspace_process_context

    def build_guarded(*args: Any, **settings: Any) -> Any:
        app = build(*args, **settings)
        app.add_middleware(BrowserGuard, hosts=hosts)
        return app

    cli.create_app_from_workspace_process_context = build_guarded  # type: ignore[attr-defined]  # imported by name, so mypy does not see what is in it
    cli.main()


if __name__ == "__main__":
    main()
