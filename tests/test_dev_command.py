"""``monitor dev`` as users run it: a process of its own, on free ports, with a fresh home folder."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.native_services import free_ports

# Half a dozen processes on two cores: not beside the other services.
QUESTION = "{version workspaceOrError{... on Workspace{locationEntries{name locationOrLoadError{__typename}}}}}"
MUTATION = 'mutation{reloadRepositoryLocation(repositoryLocationName:"monitoring_pipeline.definitions"){__typename}}'


def _environment(home: Path, **more: str) -> dict[str, str]:
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("MONITOR_", "DAGSTER_", "MLFLOW_"))}
    return {**ours, "MONITOR_HOME": str(home), **more}


def _command(ports: Sequence[int], *options: str) -> list[str]:
    dagster_port, mlflow_port = map(str, ports)
    ports_given = ["--dagster-port", dagster_port, "--mlflow-port", mlflow_port]
    return [sys.executable, "-m", "monitoring_pipeline.cli", "dev", *ports_given, *options]


def _run(ports: Sequence[int], folder: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(ports, *options),
        env=_environment(folder / "home", **more),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@contextmanager
def _session(ports: Sequence[int], folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command, up and running; its two lines of addresses are read already."""
    process = subprocess.Popen(
        _command(ports), env=_environment(folder / "home"), cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        said = [process.stdout.readline() for _ in range(3)]
        assert said == [
            f"Dagster  http://127.0.0.1:{ports[0]}\n",
            f"MLflow   http://127.0.0.1:{ports[1]}/#/experiments?workflowType=machine_learning\n",
            f"home     {(folder / 'home').resolve()}\n",
        ]
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def _descendants(pid: int) -> list[Any]:
    found: list[Any] = import_module("psutil").Process(pid).children(recursive=True)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_one_command_serves_both_interfaces_and_ctrl_c_stops_everything(tmp_path: Path) -> None:
    ports = free_ports(2)
    # A folder that holds somebody else's package of the same name as one of ours.
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/__init__.py").write_text("raise ImportError('not ours')\n")

    with _session(ports, tmp_path) as process:
        graphql = f"http://127.0.0.1:{ports[0]}/graphql"
        answer = httpx.post(graphql, json={"query": QUESTION}).json()["data"]
        by_get = httpx.get(graphql, params={"query": MUTATION})
        rebound = httpx.post(graphql, json={"query": MUTATION}, headers={"Host": "rebound.example"})
        mlflow = httpx.get(f"http://127.0.0.1:{ports[1]}/")
        mlflow_rebound = httpx.get(f"http://127.0.0.1:{ports[1]}/", headers={"Host": "rebound.example"})
        descendants = _descendants(process.pid)

        process.send_signal(signal.SIGINT)
        exit_code = process.wait(timeout=60)

    assert answer["workspaceOrError"]["locationEntries"] == [
        {"name": "monitoring_pipeline.definitions", "locationOrLoadError": {"__typename": "RepositoryLocation"}}
    ]
    assert [by_get.status_code, rebound.status_code, mlflow_rebound.status_code] == [403, 403, 403]
    assert mlflow.status_code == 200
    assert len(descendants) >= 5
    assert exit_code == 130
    assert not [process for process in descendants if process.is_running()]
    assert all(_is_free(port) for port in ports)
    assert (tmp_path / "home/mlflow/mlflow.db").exists()
    assert {path.name for path in (tmp_path / "home/logs").glob("*.log")} >= {"dagster-daemon.log", "mlflow.log"}


@pytest.mark.parametrize(("which", "option"), [(0, "--dagster-port"), (1, "--mlflow-port")])
def test_a_port_in_use_is_one_sentence_before_anything_starts(tmp_path: Path, which: int, option: str) -> None:
    ports = free_ports(2)
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports[which]))
        other.listen()

        done = _run(ports, tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith(f"monitor: port {ports[which]} cannot be used (Address already in use); ")
    assert done.stderr.endswith(f"{option}\n")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "home/logs").exists()


def test_the_same_port_twice_is_wrong_usage(tmp_path: Path) -> None:
    [port] = free_ports(1)

    assert _run([port, port], tmp_path).returncode == 2


def test_a_broken_config_is_told_before_anything_starts(tmp_path: Path) -> None:
    config = tmp_path / "broken.yaml"
    config.write_text("modls: []\n")

    done = _run(free_ports(2), tmp_path, "--config", str(config))

    assert done.returncode == 1
    assert "broken.yaml" in done.stderr
    assert "did you mean" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home/logs").exists()


def test_a_child_that_dies_stops_the_rest_and_is_named(tmp_path: Path) -> None:
    dagster_home = tmp_path / "dagster"
    dagster_home.mkdir()
    (dagster_home / "dagster.yaml").write_text("no_such_setting: true\n")
    ports = free_ports(2)

    done = _run(ports, tmp_path, DAGSTER_HOME=str(dagster_home))

    assert done.returncode == 1
    assert "monitor: prepare ended with exit code 1; its log, " in done.stderr
    assert "no_such_setting" in done.stderr
    assert "Traceback" not in done.stderr
    assert all(_is_free(port) for port in ports)
