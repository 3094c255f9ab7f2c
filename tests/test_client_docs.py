"""The how-to page on the client does what it says."""

import re
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from monitoring_pipeline.client import MonitorClient, Stats
from tests.client_examples import Receiver, taking

PAGE = (Path(__file__).parent.parent / "docs" / "how-to" / "client.md").read_text(encoding="utf-8")


def code_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_examples_run_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, elsewhere, decorated, block = code_blocks()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_TOKEN", "a-token")
    names: dict[str, Any] = {}

    with Receiver(taking) as receiver:
        exec(first.replace("http://127.0.0.1:8000", receiver.url), names)
        for code in (decorated, block):
            exec(code, names)
        assert names["predict"]({"id": "c-9", "inputs": {"tenure_months": 1}}) == {"class": 1, "text": "may leave"}
        names["client"].close(60)
    exec(elsewhere, names)
    names["client"].close(0)

    assert [event.get("predicted_value", event.get("actual_value")) for event in receiver.events].count(0) == 1
    assert len(receiver.events) == 5
    assert {"c-9", names["prediction_id"]} <= {event["prediction_id"] for event in receiver.events}


def test_the_account_adds_up_as_the_page_says() -> None:
    [law] = re.findall(r"^```text\n(.*?)\n```$", PAGE, re.DOTALL | re.MULTILINE)
    numbers = {field.name: 3**place for place, field in enumerate(fields(Stats))}
    stats = Stats(**numbers)

    left, right = (sum(getattr(stats, name) for name in side.split(" + ")) for side in law.split(" = "))

    assert left == right


def test_the_settings_and_defaults_of_the_page_are_the_clients() -> None:
    defaults = {name: setting.default for name, setting in signature(MonitorClient).parameters.items()}

    assert all(name in defaults for name in re.findall(r"`(\w+_(?:seconds|bytes))`", PAGE))
    assert (defaults["linger_seconds"], defaults["exit_timeout_seconds"]) == (0.1, 3.0)
    assert (defaults["max_memory_bytes"], defaults["max_spool_bytes"]) == (16_000_000, 256_000_000)
