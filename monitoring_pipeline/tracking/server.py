"""Where MLflow is, whether it answers, and a client for it.

MLflow's own client waits minutes for a server that is down. So it is asked first, for a fraction of a
second and without importing MLflow; only a server that answers is given work.
"""

import hashlib
import logging
import os
import ssl
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from monitoring_pipeline.locks import alone

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # No retry: a request that was carried out but not answered would be carried out twice. The next run heals.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    # The longest that a server may take which answered a moment ago, and then hangs.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """An MLflow tracking address.

    Args:
        url: ``http(s)://…`` of a server, or a database address.
        artifact_root: where new experiments keep files; ``None`` leaves that to the server.
        answer_timeout_seconds: a server that does not answer within this time is unavailable.
    """

    url: str
    artifact_root: Path | None = None
    answer_timeout_seconds: float = 0.8

    @property
    def url_hash(self) -> str:
        """Tells addresses apart without showing the password that one may carry."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def is_server(self) -> bool:
        """Whether the address is a server's, not a database's."""
        return self.url.startswith(("http://", "https://"))

    def answers(self) -> bool:
        """Whether MLflow can be used now; takes at most ``answer_timeout_seconds``."""
        # Prepared outside the thread: loading a library is not the server's slowness.
        question = _server_question(self) if self.is_server else partial(_database_answers, self)
        answered: list[bool] = []
        # In a thread, because a name lookup or an answer that drips byte by byte has no time limit of its own.
        thread = threading.Thread(target=lambda: answered.append(question()), name="mlflow-probe", daemon=True)
        thread.start()
        thread.join(self.answer_timeout_seconds)
        return bool(answered and answered[0])

    def client(self) -> "MlflowClient":
        """A client, kept for the life of the process; the first one makes the store if it is not there.

        Raises:
            mlflow.exceptions.MlflowException, OSError, SQLAlchemyError: if the store cannot be opened.
        """
        return _client(self.url)


def _server_question(tracking: Tracking) -> Callable[[], bool]:
    # Imported here because the command line must answer quickly.
    httpx = import_module("httpx")
    # MLflow's own settings for servers with a private certificate; reading certificates is for https only.
    certificates = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    insecure = os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true"
    encrypted = tracking.url.startswith("https://")
    context = ssl.create_default_context(cafile=certificates) if encrypted and not insecure else False
    # A question that needs the server's database; "no such experiment" is a healthy answer.
    url = tracking.url.rstrip("/") + "/api/2.0/mlflow/experiments/get-by-name?experiment_name=monitoring"

    def ask() -> bool:
        try:
            answer = httpx.get(url, timeout=tracking.answer_timeout_seconds, verify=context)
        except (httpx.HTTPError, OSError):
            return False
        return bool(answer.status_code < 500)

    return ask


def _database_answers(tracking: Tracking) -> bool:
    try:
        address = make_url(tracking.url)
        if address.get_backend_name() == "sqlite":
            _make_folder(address)
        engine = create_engine(address)
        try:
            with engine.connect() as connection:
                # Reads the file's header, so a file that is no database is found out here.
                connection.execute(text("PRAGMA schema_version" if engine.dialect.name == "sqlite" else "SELECT 1"))
        finally:
            engine.dispose()
    except (SQLAlchemyError, OSError):
        return False
    return True


def _make_folder(address: URL) -> None:
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)


@cache
def _client(url: str) -> "MlflowClient":
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings(), _alone(url):
        # MLflow uses what its own dependencies have deprecated; that is not this program's warning.
        warnings.simplefilter("ignore")
        mlflow = import_module("mlflow")
        # That it makes its tables is no news to a person who never asked for them.
        logging.getLogger("mlflow.store.db").setLevel(logging.WARNING)
        client: MlflowClient = mlflow.MlflowClient(tracking_uri=url)
    return client


def _alone(url: str) -> AbstractContextManager[None]:
    """Hold a lock while a SQLite store may be made: several processes making it at once break it."""
    address = None if url.startswith(("http://", "https://")) else make_url(url)
    if address is None or address.get_backend_name() != "sqlite" or not address.database:
        return nullcontext()
    return alone(Path(f"{address.database}.lock"))
