"""``monitor simulate``: the list, a run with its summary and exit code, and one sentence for what is wrong."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitoring_pipeline.cli.main import COMMANDS, app
from monitoring_pipeline.cli.simulation_summary import exit_code, print_summary
from monitoring_pipeline.simulation.scenarios import SCENARIOS
from monitoring_pipeline.simulation.scenarios.outcome import Ending, Notice, Outcome, RuleOutcome
from monitoring_pipeline.simulation.scenarios.scenario import Expected, Signal

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "simulate.md"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONITOR_HOME", raising=False)
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)


def test_the_list_has_a_line_for_every_scenario() -> None:
    result = CliRunner().invoke(app, ["simulate", "--list", "--json"])

    assert result.exit_code == 0
    assert [row["scenario"] for row in json.loads(result.stdout)] == list(SCENARIOS)


def test_a_window_without_rows_enough_is_not_called_healthy() -> None:
    arguments = ["--days", "1", "--onset-day", "0", "--rows-per-hour", "1", "--label-delay-hours", "1"]

    result = CliRunner().invoke(app, ["simulate", "healthy", *arguments, "--json"])

    assert result.exit_code == 5, result.stderr
    [outcome] = json.loads(result.stdout)
    assert outcome["ending"] == "not_enough_data"
    assert (Path(".monitor/simulations/healthy") / "monitoring.yaml").exists()


def a_notice(what: str) -> Notice:
    return Notice(what=what, window_start="2025-03-17T00:00:00Z", known_at="2025-03-18T00:05:00Z", delay_hours=24.08)


def an_outcome(ending: Ending) -> Outcome:
    drift = RuleOutcome(
        rule_id="inputs-moved",
        signal=Signal.DRIFT,
        expected=Expected.RAISED,
        judged_count=7,
        before={"retracted": 1},
        after={"confirmed": 6, "retracted": 1},
        first=a_notice("inputs-moved"),
    )
    return Outcome(
        scenario="sudden_drift",
        injected="income jumps by 2 sd",
        onset_at="2025-03-17T00:00:00Z",
        feature="income",
        seed=4,
        home="/somewhere",
        ending=ending,
        first_drift=a_notice("income"),
        rules=(drift,),
        rejected_count=12,
    )


def test_the_summary_says_what_was_injected_what_was_said_when_and_where_to_look(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_summary(an_outcome(Ending.SEEN))

    out, err = capsys.readouterr()
    assert re.search(r"inputs-moved +drift +raised +7 +1 retracted +6 confirmed, 1 retracted +24.08 h", out)
    for sentence in (
        "injected: income jumps by 2 sd from 2025-03-17T00:00:00Z on (seed 4)",
        "ingest refused 12 rows",
        "first drift of income: income in 2025-03-17T00:00:00Z, said at 2025-03-18T00:05:00Z, 24.08 h after the onset",
        "false alarms: 1",
        "seen: what was injected was raised",
        "export MONITOR_HOME=/somewhere",
        "monitor drift --from 2025-03-17",
    ):
        assert sentence in err


@pytest.mark.parametrize(
    ("ending", "code"), [("seen", 0), ("quiet", 0), ("missed", 3), ("false_alarm", 3), ("not_enough_data", 5)]
)
def test_the_exit_code_says_whether_the_monitor_said_what_it_should(ending: str, code: int) -> None:
    assert exit_code(Ending(ending)) == code


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        ([], 2, "which scenario?"),
        (["sudden_drft"], 1, "did you mean 'sudden_drift'?"),
        (["healthy", "--days", "0"], 1, "days is 0; allowed are 1 to 180"),
        (["healthy", "--reference", "none.parquet"], 1, "none.parquet cannot be read"),
        (["healthy", "--config", "monitoring.yaml"], 2, "--config goes with --model"),
        (["healthy", "--reference", "a.parquet", "--model", "b"], 2, "give one of them"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(arguments: list[str], code: int, part: str) -> None:
    result = CliRunner().invoke(app, ["simulate", *arguments])

    assert result.exit_code == code
    assert part in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_the_page_names_every_scenario_and_its_commands_are_understood() -> None:
    text = PAGE.read_text(encoding="utf-8")
    lines = "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)).splitlines()
    commands = [words[1:] for line in lines if (words := shlex.split(line, comments=True))[:1] == ["monitor"]]
    [simulate] = [lazy.load() for lazy in COMMANDS if lazy.name == "simulate"]

    contexts = [simulate.make_context("monitor", words[1:]) for words in commands if words[0] == "simulate"]

    assert set(SCENARIOS) <= set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert len(contexts) >= 4
    assert all(context.args == [] for context in contexts)


def test_the_python_of_the_page_runs_and_labels_that_stop_are_raised_when_they_are_due() -> None:
    [code] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}

    exec(code, names)

    assert names["outcome"].ending is Ending.SEEN
    assert (names["first"].what, names["first"].known_at) == ("labels-missing", "2025-03-06T00:05:00Z")
    [rule] = [rule for rule in names["outcome"].rules if rule.rule_id == "labels-missing"]
    assert (rule.before, rule.after) == ({}, {"confirmed": 1})
