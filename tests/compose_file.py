"""Reads docker-compose.yml as ``docker compose`` does: merge keys, then ``${…}`` from the environment."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
COMPOSE_FILE = ROOT / "docker-compose.yml"

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}|(?P<bad>.))")

# What a person writes into .env; the values differ, so that a mix-up shows.
FILLED_IN = {
    "POSTGRES_PASSWORD": "secret1admin",
    "MONITOR_DB_PASSWORD": "secret2monitor",
    "DAGSTER_DB_PASSWORD": "secret3dagster",
    "MLFLOW_DB_PASSWORD": "secret4mlflow",
    "PROXY_USER": "somebody",
    "PROXY_PASSWORD": "secret5proxy",
}


class NotSetError(Exception):
    """A variable without which the stack must not start."""


def read_compose(environment: Mapping[str, str]) -> dict[str, Any]:
    """The file with every reference replaced."""
    filled: dict[str, Any] = _fill(yaml.safe_load(COMPOSE_FILE.read_text()), environment)
    return filled


def references() -> dict[str, set[str]]:
    """How each variable is referred to: ``-`` with a default, ``?`` required, empty for neither."""
    found: dict[str, set[str]] = {}
    for match in _REFERENCE.finditer(COMPOSE_FILE.read_text()):
        if match["name"]:
            found.setdefault(match["name"], set()).add(match["kind"] or "")
    return found


def _fill(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, environment) for item in value]
    return _REFERENCE.sub(lambda match: _one(match, environment), value) if isinstance(value, str) else value


def _one(match: re.Match[str], environment: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    assert not match["bad"], f"compose would refuse {match[0]!r}"
    value = environment.get(match["name"], "")
    if match["kind"] == "?" and not value:
        raise NotSetError(match["name"])
    return value or (match["rest"] if match["kind"] == "-" else "")
