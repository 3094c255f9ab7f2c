"""``monitor serve``: the HTTP API on this machine."""

from typing import Annotated

import typer

from monitoring_pipeline.api.server import DEFAULT_PORT, LOOPBACK
from monitoring_pipeline.api.server import serve as serve_api
from monitoring_pipeline.cli.options import ConfigOption
from monitoring_pipeline.installation import open_installation


def serve(
    config: ConfigOption = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Other than loopback: needs a token.")
    ] = LOOPBACK,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="The port.")] = DEFAULT_PORT,
) -> None:
    """Examples:

    \b
      monitor serve                            on http://127.0.0.1:8000, docs at /docs
      monitor token create --client producer --scope events:append
      monitor serve --host 0.0.0.0             for others; needs a token

    Serve the HTTP API: events in, metrics, drift and alerts out. Ends with SIGINT or SIGTERM, after everything that was
    acknowledged is stored.
    """
    typer.echo(f"API      http://{host}:{port}  (docs at /docs; Ctrl-C stops)", err=True)
    serve_api(open_installation(config), host=host, port=port)
