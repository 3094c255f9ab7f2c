"""``monitor alerts``."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update
from typer.testing import CliRunner, Result

from monitoring_pipeline.alerts.read import list_alerts
from monitoring_pipeline.alerts.tables import notifications
from monitoring_pipeline.cli.main import app
from monitoring_pipeline.config.models import Rule
from monitoring_pipeline.database import writing
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.tables import metrics
from tests.alerts_examples import finding, recorded
from tests.conftest import NOON_MICROS
from tests.results_examples import a_metric
from tests.test_docs import keys_under

WARNING = Rule(id="mae-raised", metric="mae", above=5)
CRITICAL_DAY, WARNING_DAY, RETRACTED_DAY = "2024-10-04", "2024-10-05", "2024-10-06"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An empty store, opened by the same rules as the commands open it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    engine = open_installation().engine
    yield engine
    engine.dispose()


@pytest.fixture
def filled(store: Engine) -> Engine:
    opened = [finding(12.0, mature=True), finding(6.0, day=1, rule=WARNING), finding(12.0, day=2)]
    recorded(store, *opened, now=NOON_MICROS)
    recorded(store, finding(9.0, day=2), now=NOON_MICROS + 1)
    return store


def monitor(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["alerts", *arguments])


@pytest.mark.usefixtures("store")
def test_without_alerts_the_list_is_empty_and_the_exit_code_healthy() -> None:
    as_json, as_table = monitor("list", "--json"), monitor("list")

    assert (as_json.exit_code, json.loads(as_json.stdout)) == (0, [])
    assert (as_table.exit_code, as_table.stdout, as_table.stderr) == (0, "", "no alerts match\n")


def test_the_list_is_json_with_one_object_per_alert(filled: Engine) -> None:
    result = monitor("list", "--json")

    assert json.loads(result.stdout) == list_alerts(filled)
    assert result.stderr == ""


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("options", "days", "exit_code"),
    [
        ([], [CRITICAL_DAY, WARNING_DAY, RETRACTED_DAY], 4),
        (["--exit-zero"], [CRITICAL_DAY, WARNING_DAY, RETRACTED_DAY], 0),
        (["--from", WARNING_DAY], [WARNING_DAY, RETRACTED_DAY], 3),
        (["--from", RETRACTED_DAY], [RETRACTED_DAY], 0),
        (["--to", WARNING_DAY], [CRITICAL_DAY], 4),
        (["--state", "retracted"], [RETRACTED_DAY], 0),
        (["--state", "retracted", "--state", "provisional"], [WARNING_DAY, RETRACTED_DAY], 3),
        (["--model", "flight_late"], [], 5),
    ],
)
def test_options_choose_alerts_and_the_exit_code_tells_the_worst_that_is_active(
    options: list[str], days: list[str], exit_code: int
) -> None:
    result = monitor("list", "--json", *options)

    assert [alert["window_start"][:10] for alert in json.loads(result.stdout)] == days
    assert result.exit_code == exit_code


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_unknown_model_is_not_healthy_but_answered_with_those_that_have_alerts(form: list[str]) -> None:
    result = monitor("list", "--model", "flight_dleay", *form)

    assert (result.exit_code, result.stdout) == (5, "[]\n" if form else "")
    assert result.stderr == (
        "there are no alerts of a model 'flight_dleay'; models that have some: flight_delay; "
        "did you mean 'flight_delay'?\n"
    )


def test_a_model_that_never_had_an_alert_is_healthy(store: Engine, tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text("models:\n- {id: declared, task: regression}\n")
    with writing(store) as connection:
        connection.execute(insert(metrics), [a_metric(model_id="measured")])

    declared, measured = monitor("list", "--model", "declared"), monitor("list", "--model", "measured")
    mistaken = monitor("list", "--model", "mesured")

    assert (declared.exit_code, measured.exit_code, mistaken.exit_code) == (0, 0, 5)
    assert declared.stderr == "there are no alerts of a model 'declared'; no model has any\n"
    assert mistaken.stderr.endswith("no model has any; did you mean 'measured'?\n")


@pytest.mark.usefixtures("filled")
def test_the_table_names_rule_state_value_and_deliveries() -> None:
    lines = monitor("list", "--to", WARNING_DAY).stdout.splitlines()

    [line] = [line for line in lines if "mae-high" in line]
    assert all(word in line for word in ("critical", "confirmed", "12", "above 10", "60.0%", "1 pending"))


@pytest.mark.usefixtures("store")
def test_an_unknown_state_is_wrong_usage() -> None:
    result = monitor("list", "--state", "escalating")

    assert result.exit_code == 2
    assert "provisional" in result.stderr


def test_the_history_of_an_alert_is_its_events_with_their_causes(filled: Engine) -> None:
    [retracted] = [alert for alert in list_alerts(filled) if alert["state"] == "retracted"]

    as_json = monitor("history", retracted["alert_id"], "--json")

    opened, ended = json.loads(as_json.stdout)
    assert (opened["sequence"], opened["from_state"], opened["to_state"]) == (1, None, "provisional")
    assert (ended["sequence"], ended["from_state"], ended["to_state"]) == (2, "provisional", "retracted")
    assert (ended["old_value"], ended["new_value"], ended["severity"]) == (12.0, 9.0, "critical")
    assert ended["known_at"] == "2026-03-02T12:00:00.000001Z"
    assert ended["causes"] == {"batches": [], "further_batch_count": 0, "by_age_alone": False}


def test_the_history_is_found_by_the_beginning_of_the_id_and_told_in_a_table(filled: Engine) -> None:
    [retracted] = [alert for alert in list_alerts(filled) if alert["state"] == "retracted"]

    result = monitor("history", retracted["alert_id"][:8])

    assert (result.exit_code, result.stderr) == (0, "")
    [line] = [line for line in result.stdout.splitlines() if "retracted" in line]
    assert line.split()[1:] == ["provisional", "retracted", "critical", "12", "->", "9", "60.0%", "-"]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("alert_id", "sentence"),
    [
        ("0" * 32, "there is no alert 00000000000000000000000000000000"),
        ("%%%%%%%%", "is not the id of an alert"),
        ("6bd", "6 to 32 hexadecimal digits"),
    ],
)
def test_an_id_that_no_alert_has_is_answered_with_where_ids_are(alert_id: str, sentence: str) -> None:
    result = monitor("history", alert_id)

    assert result.exit_code == 1
    assert sentence in result.stderr


def test_redeliver_puts_back_what_was_given_up(filled: Engine) -> None:
    with writing(filled) as connection:
        connection.execute(update(notifications).values(state="failed"))

    result = monitor("redeliver", "--channel", "ops")

    assert (result.exit_code, result.stderr) == (0, "4 notifications put back into the outbox\n")
    assert sum(alert["deliveries"]["pending"] for alert in list_alerts(filled)) == 4


def test_the_help_begins_with_examples_and_names_the_exit_codes() -> None:
    text = monitor("list", "--help").stdout

    assert text.index("Examples:") < text.index("--model")
    assert "Exit codes" in text


def test_an_acknowledged_alert_says_by_whom_in_the_list(filled: Engine) -> None:
    alert_id = list_alerts(filled)[0]["alert_id"]

    result = monitor("acknowledge", alert_id[:8], "--note", "the storm", "--by", "ana", "--json")

    assert json.loads(result.stdout)[0]["acknowledged_by"] == "ana"
    [row] = [row for row in json.loads(monitor("list", "--json").stdout) if row["alert_id"] == alert_id]
    assert (row["acknowledged_by"], row["acknowledgement_note"]) == ("ana", "the storm")
    assert "ana" in monitor("list").stdout


@pytest.mark.usefixtures("filled")
def test_a_silence_is_made_listed_and_ended() -> None:
    reason = ["--reason", "planned work", "--by", "ana"]
    made = monitor("silence", "--model", "flight_delay", "--for", "PT6H", *reason, "--json")
    [silence] = json.loads(made.stdout)
    listed = monitor("silences")
    held = json.loads(monitor("list", "--json").stdout)

    ended = monitor("end-silence", silence["silence_id"], "--by", "ben")

    assert (silence["state"], silence["created_by"]) == ("holding", "ana")
    assert all(word in listed.stdout for word in (silence["silence_id"], "flight_delay", "every", "planned work"))
    assert [alert["deliveries"]["silenced"] for alert in held] == [1, 1, 2]
    assert ended.exit_code == 0
    assert (monitor("silences").stderr, monitor("silences", "--json").stdout) == ("nothing is silenced\n", "[]\n")
    [over] = json.loads(monitor("silences", "--all", "--json").stdout)
    assert (over["state"], over["ended_by"]) == ("over", "ben")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "options", [[], ["--for", "PT1H", "--until", "2999-01-01"], ["--for", "soon"], ["--until", "soon"]]
)
def test_a_silence_without_one_clear_end_is_wrong_usage(options: list[str]) -> None:
    assert monitor("silence", "--reason", "why", *options).exit_code == 2


def test_what_people_do_about_alerts_is_printed_with_just_the_documented_keys(filled: Engine) -> None:
    alert_id = list_alerts(filled)[0]["alert_id"]

    [noted] = json.loads(monitor("acknowledge", alert_id, "--json").stdout)
    [silence] = json.loads(monitor("silence", "--for", "PT1H", "--reason", "why", "--json").stdout)

    assert set(noted) == keys_under("monitor alerts acknowledge")
    assert set(silence) == keys_under("monitor alerts silences")
