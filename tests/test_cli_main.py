"""The command line as a whole: help, endings, and one plain sentence for everything a user can mend."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitoring_pipeline.cli.lazy import LazyCommand
from monitoring_pipeline.cli.main import COMMANDS, app

PROJECT = Path(__file__).parents[1]

HEAVY_MODULES = [
    "dagster",
    "great_expectations",
    "matplotlib",
    "mlflow",
    "numpy",
    "pandas",
    "scipy",
    "sklearn",
    "sqlalchemy",
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)


def monitor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "monitoring_pipeline.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_help_lists_every_command_and_shows_examples_before_options() -> None:
    result = CliRunner().invoke(app, ["--help"])

    assert result.exit_code == 0
    assert result.stdout.index("Examples:") < result.stdout.index("Options:")
    assert all(f"  {command.name} " in result.stdout for command in COMMANDS)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from monitoring_pipeline.cli.main import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print(sorted(set(sys.modules) & set({HEAVY_MODULES})))\n"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_each_command_loads_and_its_help_starts_with_examples(command: LazyCommand) -> None:
    result = CliRunner().invoke(app, [command.name, "--help"])

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].startswith(f"Usage: root {command.name}")
    assert result.stdout.splitlines()[2].strip() == "Examples:"


@pytest.mark.parametrize("group", ["config", "alerts"])
def test_a_command_group_says_what_each_of_its_commands_does(group: str) -> None:
    result = CliRunner().invoke(app, [group, "--help"])

    summaries = result.stdout.partition("Commands:")[2].strip().splitlines()
    assert summaries
    assert not [line for line in summaries if line.endswith("Examples:")]


def test_no_command_is_wrong_usage_and_shows_the_help() -> None:
    result = CliRunner().invoke(app, [])

    assert result.exit_code == 2
    assert "Examples:" in result.output


def test_an_unknown_command_is_wrong_usage_with_a_guess() -> None:
    result = CliRunner().invoke(app, ["metrcs"])

    assert result.exit_code == 2
    assert "No such command 'metrcs'. Did you mean 'metrics'?" in result.stderr


def test_a_broken_config_is_told_in_full_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text("models:\n  - {id: eta, task: regresion}\nretention: 5\n")

    result = monitor("metrics")

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "monitor: monitoring.yaml has 2 problems",
        (
            "monitoring.yaml:2: models[0].task: 'regresion' is not allowed; "
            "allowed: regression, binary, multiclass, ranking; did you mean 'regression'?"
        ),
        "monitoring.yaml:3: retention: 5 is not a mapping; write keys and values (events_days)",
    ]


def test_a_config_cannot_command_the_terminal_through_its_keys(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text('"mod\\e[2Jels": []\nretention: 5\n')

    result = CliRunner().invoke(app, ["metrics"])

    lines = result.stderr.splitlines()
    assert (result.exit_code, len(lines)) == (1, 3)
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("store_url", "expected"),
    [
        ("postgresql+psycopg2://someone:secret@127.0.0.1:1/none", "monitor: the store postgresql+psycopg2://someone:"),
        ("sqlite:////nowhere/at/all/x.db", "monitor: the store sqlite:////nowhere/at/all/x.db cannot be used"),
        ("sqlite:///notes.txt", "monitor: the store sqlite:///notes.txt cannot be used: file is not a database"),
        ("sqlite:///.", "monitor: the store sqlite:///. cannot be used"),
        ("what is this", "monitor: store_url is not a database address SQLAlchemy knows"),
        ("mysql://a/b", "monitor: store_url needs a database driver that is not installed"),
    ],
)
def test_a_store_that_cannot_be_used_is_one_plain_sentence(tmp_path: Path, store_url: str, expected: str) -> None:
    (tmp_path / "notes.txt").write_text("these are notes and no database\n" * 100)
    (tmp_path / "monitoring.yaml").write_text("store_url: ${STORE}\n")

    result = CliRunner().invoke(app, ["metrics"], env={"STORE": store_url})

    assert result.exit_code == 1
    assert result.stderr.startswith(expected)
    assert len(result.stderr.splitlines()) == 1
    assert "secret" not in result.stderr


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null/home"])
def test_a_home_that_cannot_be_written_is_one_plain_sentence(home: str) -> None:
    result = CliRunner().invoke(app, ["metrics"], env={"MONITOR_HOME": home})

    assert result.exit_code == 1
    assert result.stderr.startswith(f"monitor: the home folder {home} cannot be used: ")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("absent.yaml", "monitor: there is no config file absent.yaml; check --config and MONITOR_CONFIG\n"),
        (".", "monitor: the config . is a folder; name the YAML file inside it\n"),
    ],
)
def test_a_config_that_cannot_be_read_is_one_plain_sentence(config: str, expected: str) -> None:
    by_option = CliRunner().invoke(app, ["metrics", "--config", config])
    by_environment = CliRunner().invoke(app, ["metrics"], env={"MONITOR_CONFIG": config})

    assert (by_option.exit_code, by_option.stderr) == (1, expected)
    assert (by_environment.exit_code, by_environment.stderr) == (1, expected)


def test_an_interrupt_ends_quietly_with_130(tmp_path: Path) -> None:
    fifo = tmp_path / "monitoring.yaml"
    os.mkfifo(fifo)
    # Shells start what runs in the background with interrupts ignored, and children inherit that.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from monitoring_pipeline.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "config", "validate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )

    with fifo.open("w"):  # opens once the program has begun to read its config, and keeps it waiting
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()

    assert process.returncode == 130
    assert "Traceback" not in stderr


def test_a_reader_that_leaves_early_is_not_an_error_to_tell() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "monitoring_pipeline.cli", "config", "schema"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    stderr = process.stderr.read()
    process.stderr.close()

    assert process.wait() == 1
    assert stderr == b""
