"""Where the server listens: what cannot be had is told at once, by name, with what to do."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitoring_pipeline.api.listening import bound
from monitoring_pipeline.cli.main import app
from monitoring_pipeline.errors import MonitorError


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which something listens while the test runs."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_port_in_use_is_told_with_the_remedy(taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)

    result = CliRunner().invoke(app, ["serve", "--port", str(taken)])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"monitor: port {taken} of 127.0.0.1 cannot be listened on: something listens there already: end it, or "
        "choose another port with --port\n"
    )


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("203.0.113.7", "this machine does not have that address"),
        ("nowhere..invalid", "there is no address 'nowhere..invalid'"),
    ],
)
def test_an_address_that_is_not_of_this_machine_is_told(host: str, told: str) -> None:
    with pytest.raises(MonitorError, match=told):
        bound(host, 8000)


def test_before_the_server_listens_whoever_connects_is_refused_and_not_kept_waiting() -> None:
    [here] = bound("127.0.0.1", 0)

    with here, pytest.raises(ConnectionRefusedError):
        socket.create_connection(here.getsockname(), timeout=10)


def test_every_address_of_a_name_is_listened_on() -> None:
    sockets = bound("localhost", 0)

    assert sockets
    assert all(each.getsockname()[0] in {"127.0.0.1", "::1"} for each in sockets)
    for each in sockets:
        each.close()
