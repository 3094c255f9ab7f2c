"""What ``monitor consume`` says while something is away: enough, and not a flood."""

import pytest

from monitoring_pipeline.cli.consume import _Told


def test_a_broker_that_is_away_is_told_of_once_and_the_store_every_time(capsys: pytest.CaptureFixture[str]) -> None:
    told = _Told()

    for attempt in range(50):
        told(f"sources.live: Connect failed: Connection refused (after {attempt}ms in state CONNECT)")
        told("sources.live: 1/1 brokers are down")
    for _ in range(2):
        told("the store is back; reading goes on")

    assert capsys.readouterr().err.splitlines() == [
        "sources.live: Connect failed: Connection refused (after 0ms in state CONNECT)",
        "sources.live: 1/1 brokers are down",
        "the store is back; reading goes on",
        "the store is back; reading goes on",
    ]
