"""Reading ``monitoring.yaml``: a valid config, or one error that lists all there is to mend."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import MonitoringConfig, Task, WebhookChannel
from monitoring_pipeline.config.problems import ConfigError
from monitoring_pipeline.errors import MonitorError

EXAMPLE = Path(__file__).parents[1] / "examples" / "monitoring.yaml"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str) -> Path:
    file = Path("monitoring.yaml")
    file.write_text(text, encoding="utf-8")
    return file


def load(text: str) -> MonitoringConfig:
    return load_config(write(text))


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [problem.render(caught.value.file) for problem in caught.value.problems]


def test_the_example_is_valid() -> None:
    config = load_config(EXAMPLE)

    eta = config.models[0]
    assert [model.id for model in config.models] == ["parcel_eta", "card_fraud", "ticket_router", "product_search"]
    assert eta.task is Task.REGRESSION
    assert eta.features["weight_kg"].type == "numeric"
    assert eta.labels.maturity == timedelta(hours=72)
    assert config.start == datetime(2026, 1, 1, tzinfo=UTC)


def test_without_a_file_the_defaults_hold_so_that_undeclared_models_are_monitored() -> None:
    assert load_config(None) == MonitoringConfig()


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}"])
def test_an_empty_file_means_the_defaults(text: str) -> None:
    assert load(text) == MonitoringConfig()


def test_a_wrong_value_names_file_line_key_the_allowed_values_and_a_guess() -> None:
    assert problems_of("models:\n  - id: eta\n    task: regresion\n") == [
        (
            "monitoring.yaml:3: models[0].task: 'regresion' is not allowed; "
            "allowed: regression, binary, multiclass, ranking; did you mean 'regression'?"
        )
    ]


def test_an_unknown_key_names_the_allowed_keys_and_a_guess() -> None:
    assert problems_of("retention:\n  event_days: 100\n") == [
        (
            "monitoring.yaml:2: retention.event_days: is not a key that exists here; "
            "allowed: events_days; did you mean 'events_days'?"
        )
    ]


def test_a_guess_is_made_only_for_what_is_close() -> None:
    [problem] = problems_of("zzz: 1\n")

    assert "allowed: store_url, start" in problem
    assert "did you mean" not in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("models:\n  - id: eta\n", "2: models[0].task: is missing and has no default; allowed: regression, binary"),
        ("models:\n  - {task: binary, id: 5}\n", "2: models[0].id: 5 is not text; put it in quotes"),
        ("models:\n  - 5\n", "2: models[0]: 5 is not a mapping; write keys and values (id, task"),
        ("models: 5\n", "1: models: 5 should be a valid list"),
        ("models:\n", "1: models: is empty; give it a value or take the key out"),
        ("retention:\n", "1: retention: is empty; write keys and values (events_days)"),
        ("store_url:\n  - a\n", "1: store_url: a list is not text; put it in quotes"),
        ("- a\n", "1: the file must hold keys and values"),
        ("start: 2013-01-01T00:30\n", "1: start: 2013-01-01T00:30:00+00:00 is not a whole hour"),
        ("start: 2013\n", "1: start: 2013 has no unit"),
        ("start: soon\n", "1: start: 'soon' is not an instant; write 2013-06-17 or"),
        ("debounce_seconds: -1\n", "1: debounce_seconds: -1 should be greater than or equal to 0"),
        ("debounce_seconds: .nan\n", "1: debounce_seconds: '.nan' should be a valid integer"),
        ("channels:\n  a: {type: web}\n", "2: channels.a: type 'web' is not allowed; allowed: log, file, webhook; did"),
        ("channels:\n  a: {}\n", "2: channels.a: needs a type; allowed: file, log, webhook"),
        ("channels:\n  a:\n    type: file\n", "2: channels.a.path: is missing and has no default"),
        ("channels:\n  a: {type: log, path: x}\n", "2: channels.a.path: is not a key that exists here; allowed: type"),
        ("channels:\n  1: {type: log}\n", "2: channels: the key 1 is not text; put it in quotes"),
        ("channels:\n  ? [a]\n  : 1\n", "2: channels: the key a list or mapping is not text"),
    ],
)
def test_each_kind_of_mistake_is_one_sentence_with_its_line(text: str, expected: str) -> None:
    [problem] = problems_of(text)

    assert problem.startswith(f"monitoring.yaml:{expected}")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("maturity: 72", "has no unit; write a duration as PT6H"),
        ("maturity: '72'", "has no unit; write a duration as PT6H"),
        ("maturity: long", "'long' is not a duration above zero; write PT6H"),
        ("maturity: PT1H", "maturity is shorter than expected_delay"),
    ],
)
def test_a_duration_that_cannot_be_meant_is_refused(labels: str, expected: str) -> None:
    [problem] = problems_of(f"models:\n  - id: eta\n    task: binary\n    labels:\n      {labels}\n")

    assert expected in problem


def test_hours_minutes_and_seconds_are_a_duration_and_not_a_number_in_base_60() -> None:
    config = load("models:\n  - {id: eta, task: binary, labels: {maturity: 72:30:00}}\n")

    assert config.models[0].labels.maturity == timedelta(hours=72, minutes=30)


def test_words_that_old_yaml_took_for_booleans_stay_words() -> None:
    config = load("models:\n  - {id: on, task: multiclass, classes: [yes, no, off, 010, 1e3]}\n")

    assert config.models[0].id == "on"
    assert config.models[0].classes == ["yes", "no", "off", "010", "1e3"]


def test_all_problems_are_told_at_once_in_the_order_of_their_lines() -> None:
    problems = problems_of(
        "strt: 2013-01-01\n"
        "store_url: ${NOT_SET_ANYWHERE}\n"
        "models:\n"
        "  - id: eta\n"
        "    id: eta\n"
        "    task: regression\n"
        "    features: {distance: numerc}\n"
        "    rules:\n"
        "      - {id: r, metric: mea, above: 1, channels: [mail]}\n"
    )

    assert [problem.split(": ")[1] for problem in problems] == [
        "strt",
        "store_url",
        "models[0].id",
        "models[0].features.distance",
        "models[0].rules[0].channels[0]",
        "models[0].rules[0].metric",
    ]


def test_several_problems_are_counted_in_the_first_line() -> None:
    with pytest.raises(ConfigError) as caught:
        load("a: 1\nb: 2\n")

    assert str(caught.value).splitlines()[0] == "monitoring.yaml has 2 problems"


@pytest.mark.parametrize("text", ["models: []\nmodels: []\n", "{models: [], models: []}"])
def test_a_key_given_twice_is_refused_with_both_lines(text: str) -> None:
    [problem] = problems_of(text)

    assert "models: is given twice, first on line 1; keep one of the two" in problem


@pytest.mark.parametrize(
    ("text", "line"),
    [("models: [\n", 2), ("a: b: c\n", 1), ("models:\n\t- a\n", 2), ("a: !!python/object:os.system x\n", 1)],
)
def test_what_is_not_yaml_is_refused_with_its_line(text: str, line: int) -> None:
    [problem] = problems_of(text)

    assert problem.startswith(f"monitoring.yaml:{line}: this is not YAML: ")


def test_two_documents_in_one_file_are_refused() -> None:
    [problem] = problems_of("models: []\n---\nmodels: []\n")

    assert "but found another document" in problem


def test_bytes_that_are_no_text_are_refused() -> None:
    Path("monitoring.yaml").write_bytes(b"models: \xff\xfe\n")

    with pytest.raises(ConfigError, match=r"monitoring.yaml:1: this is not YAML: "):
        load_config(Path("monitoring.yaml"))


@pytest.mark.parametrize(
    "text",
    [
        "models: &m\n  - *m\n",
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
    ],
)
def test_aliases_that_never_end_are_refused(text: str) -> None:
    [problem] = problems_of(text)

    assert "aliases repeat or contain themselves" in problem


def test_aliases_and_merges_work() -> None:
    config = load(
        "models:\n"
        "  - {id: a, task: binary, labels: &slow {expected_delay: P2D, maturity: P9D}}\n"
        "  - {id: b, task: binary, labels: {<<: *slow, maturity: P5D}}\n"
    )

    assert config.models[1].labels.expected_delay == timedelta(days=2)
    assert config.models[1].labels.maturity == timedelta(days=5)


def test_a_value_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_HOST", "hooks.example.com")
    monkeypatch.setenv("EMPTY", "")

    config = load(
        "store_url: ${NOT_SET_ANYWHERE:-sqlite:///a.db}\n"
        "debounce_seconds: ${EMPTY:-5}\n"
        "channels:\n"
        "  hook: {type: webhook, url: 'https://${HOOK_HOST}/$${raw}'}\n"
    )

    hook = config.channels["hook"]
    assert config.store_url == "sqlite:///a.db"
    assert config.debounce_seconds == 5
    assert isinstance(hook, WebhookChannel)
    assert hook.url == "https://hooks.example.com/${raw}"


def test_an_unset_variable_is_an_error_that_names_it() -> None:
    assert problems_of("models: []\nstore_url: ${NOT_SET_ANYWHERE}\n") == [
        (
            "monitoring.yaml:2: store_url: the environment variable NOT_SET_ANYWHERE is not set; "
            "set it, or write ${NOT_SET_ANYWHERE:-default}"
        )
    ]


@pytest.mark.parametrize("reference", ["${OPEN", "${1BAD}", "${}"])
def test_a_reference_that_is_not_closed_is_an_error(reference: str) -> None:
    [problem] = problems_of(f"store_url: '{reference}'\n")

    assert "'${' is not closed" in problem


def test_a_message_shows_the_variable_and_never_the_secret_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", "ftp://user:hunter2@example.com")

    [problem] = problems_of("channels:\n  hook: {type: webhook, url: '${HOOK_URL}'}\n")

    assert "'${HOOK_URL}' should match pattern" in problem
    assert "hunter2" not in problem


def test_a_missing_file_is_one_plain_sentence() -> None:
    with pytest.raises(MonitorError, match=r"^there is no config file absent.yaml; check --config and MONITOR_CONFIG$"):
        load_config(Path("absent.yaml"))


def test_a_folder_is_not_a_config(tmp_path: Path) -> None:
    with pytest.raises(MonitorError, match=r"is a folder; name the YAML file inside it$"):
        load_config(tmp_path)


@pytest.mark.parametrize("written", ['""', '"  "', "${NOT_SET_ANYWHERE:-}"])
def test_an_empty_store_address_is_refused_and_not_taken_for_the_default(written: str) -> None:
    [problem] = problems_of(f"store_url: {written}\n")

    assert problem.startswith("monitoring.yaml:1: store_url: is empty; ")


def test_a_segment_name_has_no_equals_sign() -> None:
    [problem] = problems_of("models:\n  - id: m\n    task: binary\n    segments: [a, 'a=b']\n")

    assert problem.startswith("monitoring.yaml:4: models[0].segments[1]: 'a=b' has an equals sign")
