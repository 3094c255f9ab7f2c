"""Running the API in this process, until a signal ends it."""

import gc
import ipaddress
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import uvicorn

from monitoring_pipeline.access.book import TokenBook
from monitoring_pipeline.access.browsers import allowed_hosts
from monitoring_pipeline.access.tokens import list_tokens
from monitoring_pipeline.api.app import create_app
from monitoring_pipeline.api.hardening.connections import BoundedConnection
from monitoring_pipeline.api.listening import AnnouncedServer, bound
from monitoring_pipeline.api.memory import keep_giving_back, let_go_of_pages, set_up_memory
from monitoring_pipeline.api.service import Service
from monitoring_pipeline.beside import beside
from monitoring_pipeline.database import same_store
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.group_commit import EventWriter
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.stages.live.filling import fill

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8000
GRACE_SECONDS = 30  # requests in flight may end; what was acknowledged is stored anyway


def serve(
    installation: Installation,
    *,
    host: str = LOOPBACK,
    port: int = DEFAULT_PORT,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        installation: the config and the store.
        host: the address to listen on; any other than loopback needs a token to exist.
        port: the port.
        ready: called once, when requests are taken.

    Raises:
        MonitorError: if others could reach the server and there is no token to keep them out, or if the address or the
            port cannot be had.
    """
    is_loopback = _is_loopback(host)
    if not is_loopback and not _has_live_token(installation):
        raise MonitorError(
            f"{host} can be reached from other machines and there is no token; make one with 'monitor token create', "
            f"or listen on {LOOPBACK}"
        )
    sockets = bound(host, port)
    set_up_memory()
    let_go_of_pages(installation.engine)
    hosts = allowed_hosts(os.environ)
    # Who may be addressed by others answers nothing without a token; so a name is not asked for unless some are given.
    service = service_of(installation, open_to_anybody=is_loopback)
    app = create_app(service, hosts=hosts if is_loopback or hosts else None)
    logging.getLogger("uvicorn.error").name = "monitor"
    # What is loaded by now lives as long as the process: looking through it for garbage only makes answers wait.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=BoundedConnection,
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = AnnouncedServer(config, ready=ready)
    with (
        beside(partial(fill, service.live), name="monitor-filling"),
        beside(keep_giving_back, name="monitor-memory"),
        suppress(KeyboardInterrupt),  # Ctrl-C is how it ends
    ):
        server.run(sockets)
    if not server.started:
        raise MonitorError("the server could not start; the lines above say why")


def service_of(installation: Installation, *, open_to_anybody: bool) -> Service:
    """The parts of a server on an installation.

    Args:
        installation: the config and the store.
        open_to_anybody: whether it may be used without a token as long as none exists.
    """
    engine, clock = installation.engine, installation.clock
    return Service(
        installation=installation,
        writer=EventWriter(same_store(engine), config=installation.config, clock=clock),
        tokens=TokenBook(engine, clock=clock, open_to_anybody=open_to_anybody),
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _has_live_token(installation: Installation) -> bool:
    return any(token.is_live(installation.clock()) for token in list_tokens(installation.engine))
