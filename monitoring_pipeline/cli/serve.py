"""``monitor serve``: the HTTP API on this machine."""

from typing import Annotated

import typer

from monitoring_pipeline.access.tokens import list_tokens
from monitoring_pipeline.api.server import DEFAULT_PORT, LOOPBACK
from monitoring_pipeline.api.server import serve as serve_api
from monitoring_pipeline.cli.options import ConfigOption
from monitoring_pipeline.cli.output import say
from monitoring_pipeline.database import reading
from monitoring_pipeline.durability import survives_power_cuts
from monitoring_pipeline.installation import Installation, open_installation

_UNSYNCED = (
    "warning: the store's PostgreSQL runs with fsync off: a power cut can lose events that were acknowledged; "
    "turn it on"
)


def serve(
    config: ConfigOption = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Other than loopback: needs a token.")
    ] = LOOPBACK,
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65_535, help="The port.")] = DEFAULT_PORT,
) -> None:
    """Examples:

    \b
      monitor serve                            on http://127.0.0.1:8000, docs at /docs
      monitor serve --port 8080
      monitor token create --client producer --scope events:append
      monitor serve --host 0.0.0.0             for others; needs a token

    Serve the HTTP API: events in, metrics, drift and alerts out. What it serves is told once it takes requests.
    Ends with SIGINT or SIGTERM, after everything that was acknowledged is stored.

    \b
    Exit codes: 0 ended by Ctrl-C, 1 no config, store or port to serve with,
    2 wrong usage; by SIGTERM as the system says it (143 in a shell).
    """
    installation = open_installation(config)
    with reading(installation.engine) as connection:
        if not survives_power_cuts(connection):
            say(_UNSYNCED)
    serve_api(installation, host=host, port=port, ready=lambda: _tell(installation, host=host, port=port))


def _tell(installation: Installation, *, host: str, port: int) -> None:
    """What is served, where, and who may ask."""
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    say(f"API      {address}  (docs at {address}/docs; Ctrl-C stops)")
    say(f"store    {installation.engine.url.render_as_string(hide_password=True)}")
    config = installation.config_file or "none found; every model is monitored with defaults"
    say(f"config   {config}")
    say(f"tokens   {_tokens(installation)}")


def _tokens(installation: Installation) -> str:
    tokens = list_tokens(installation.engine)
    if not tokens:
        return "none was ever made, so everybody on this machine may do all; 'monitor token create' makes one"
    live = sum(token.is_live(installation.clock()) for token in tokens)
    return f"{live:,} live" if live else "all have ended, so nobody is let in; 'monitor token create' makes one"
