"""``monitor labels``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from monitoring_pipeline.cli.labels import duration
from monitoring_pipeline.cli.main import app
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.windows import isoformat
from tests.label_examples import MONDAY, World, instant, one_by_one, store
from tests.test_cli_reading import on_a_terminal

NOW_HOURS = 25 * 24
NOW = isoformat(instant(NOW_HOURS))
WORLD = World.of(one_by_one(2, coverage=0.9), days=25)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An empty store, opened by the same rules as the command opens it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    engine = open_installation().engine
    yield engine
    engine.dispose()


def fill(engine: Engine, world: World, **changes: object) -> None:
    store(engine, world.sums_at(NOW_HOURS).items(), known_from=MONDAY, **changes)


def labels(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["labels", "--as-of", NOW, *arguments])


def test_healthy_labels_end_with_0_and_say_what_usually_happens(engine: Engine) -> None:
    fill(engine, WORLD)

    result = labels()

    assert (result.exit_code, result.stderr) == (0, "")
    assert "eta in production: healthy" in result.stdout
    assert "84" in result.stdout  # minutes: the median delay, 2 h × ln 2
    assert [line.split()[:2] for line in result.stdout.splitlines()].count(["15", "min"]) == 1


def test_labels_that_stopped_end_with_3(engine: Engine) -> None:
    fill(engine, WORLD)
    fill(engine, WORLD.stopped_at(NOW_HOURS - 24), model_id="late")

    everything, healthy, stopped = labels("--json"), labels("--model", "eta"), labels("--model", "late", "--json")

    assert (everything.exit_code, healthy.exit_code, stopped.exit_code) == (3, 0, 3)
    assert [(row["model_id"], row["verdict"]) for row in json.loads(everything.stdout)] == [
        ("eta", "healthy"),
        ("late", "labels_stopped"),
    ]
    assert json.loads(stopped.stdout)[0]["arrivals"]["seen"] == 0


def test_too_little_history_ends_with_5(engine: Engine) -> None:
    fill(engine, WORLD.stopped_at(0))

    result = labels()

    assert result.exit_code == 5
    assert "not_enough_data" in result.stdout
    assert "too few labels to learn how they usually come" in result.stdout


def test_an_unknown_model_is_answered_with_those_that_have_labels(engine: Engine) -> None:
    fill(engine, WORLD)

    result = labels("--model", "eat", "--json")

    assert (result.exit_code, result.stdout) == (5, "[]\n")
    assert "models that have some: eta; did you mean 'eta'?" in result.stderr


@pytest.mark.usefixtures("engine")
def test_an_empty_store_says_what_to_do() -> None:
    result = labels("--json")

    assert (result.exit_code, result.stdout) == (5, "[]\n")
    assert "monitor reconcile" in result.stderr


@pytest.mark.usefixtures("engine")
def test_the_future_is_refused_and_other_words_are_wrong_usage() -> None:
    future = CliRunner().invoke(app, ["labels", "--as-of", "9000-01-01"])
    wrong = CliRunner().invoke(app, ["labels", "--as-of", "yesterday"])

    assert (future.exit_code, wrong.exit_code) == (1, 2)
    assert "is in the future" in future.stderr


def test_a_terminal_shows_a_bar_and_cuts_nothing(engine: Engine) -> None:
    fill(engine, WORLD)

    printed = on_a_terminal("labels", "--as-of", NOW, columns=80)

    assert any("█" in line for line in printed)
    assert max(map(len, printed)) <= 80


def test_help_begins_with_examples() -> None:
    result = CliRunner().invoke(app, ["labels", "--help"])

    assert result.stdout.index("monitor labels --model flight_delay") < result.stdout.index("--as-of INSTANT")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (90, "90 s"), (5400, "90 min"), (7200, "2 h"), (98_640, "27.4 h"), (14 * 86_400, "14 d")],
)
def test_durations_are_in_the_largest_unit_of_which_there_are_two(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
