"""``monitor config``."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitoring_pipeline.cli.main import app
from monitoring_pipeline.config.schema import config_schema

EXAMPLE = Path(__file__).parents[1] / "examples" / "monitoring.yaml"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)


def config(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["config", *arguments])


def test_a_valid_config_is_summed_up() -> None:
    for arguments in ([str(EXAMPLE)], ["--config", str(EXAMPLE)]):
        result = config("validate", *arguments)

        assert result.exit_code == 0
        assert result.stdout == f"{EXAMPLE} is valid: 4 models, 10 rules, 3 channels, 4 sources\n"


def test_validation_writes_nothing_to_the_disk(tmp_path: Path) -> None:
    config("validate", str(EXAMPLE))

    assert list(tmp_path.iterdir()) == []


def test_a_broken_config_ends_with_1_and_says_why() -> None:
    Path("monitoring.yaml").write_text("modells: []\n")

    result = config("validate")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("monitor: monitoring.yaml:1: modells: is not a key that exists here; allowed: ")


def test_problems_come_as_json_for_programs() -> None:
    Path("monitoring.yaml").write_text("models:\n  - id: m\n    task: binry\n")

    result = config("validate", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {
            "file": "monitoring.yaml",
            "line": 3,
            "path": "models[0].task",
            "message": "'binry' is not allowed; allowed: regression, binary, multiclass, ranking; "
            "did you mean 'binary'?",
        }
    ]


def test_a_valid_config_is_an_empty_list_of_problems_for_programs() -> None:
    result = config("validate", str(EXAMPLE), "--json")

    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


def test_what_a_valid_config_needs_and_is_not_there_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    file = tmp_path / "deploy" / "monitoring.yaml"
    file.write_text(
        "channels: {ops: {type: webhook, url: https://hooks.example.com, secret_env: NO_SUCH_SECRET}}\n"
        "models:\n"
        "  - {id: eta, task: regression, reference: {file: training.parquet}}\n"
        "  - {id: late, task: binary, rules: [{id: moved, metric: drifted_features, above: 2}]}\n"
    )

    as_text, as_json = config("validate", str(file)), config("validate", str(file), "--json")

    secret, reference, rule = as_text.stderr.splitlines()
    assert (as_text.exit_code, as_json.exit_code, json.loads(as_json.stdout)) == (0, 0, [])
    assert secret.startswith(f"warning: {file}: channels.ops.secret_env: the environment variable NO_SUCH_SECRET is")
    assert f"models[0].reference.file: there is no file {tmp_path / 'deploy' / 'training.parquet'}" in reference
    assert "models[1].rules[0]: moved watches drifted_features, and late has no reference" in rule
    assert as_json.stderr == as_text.stderr


def test_nothing_is_warned_of_where_all_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "key")
    (tmp_path / "training.parquet").touch()  # beside the config, wherever the command is run
    (tmp_path / "monitoring.yaml").write_text(
        "channels: {ops: {type: webhook, url: https://hooks.example.com, secret_env: HOOK_SECRET}}\n"
        "models:\n"
        "  - id: eta\n"
        "    task: regression\n"
        "    reference: {file: training.parquet}\n"
        "    rules: [{id: moved, metric: drifted_features, above: 2}]\n"
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    result = config("validate", "../monitoring.yaml")

    assert (result.exit_code, result.stderr) == (0, "")


def test_without_any_config_there_is_nothing_to_validate() -> None:
    result = config("validate")

    assert result.exit_code == 1
    assert result.stderr == "monitor: there is no monitoring.yaml in this folder; name a file, or set MONITOR_CONFIG\n"


def test_the_schema_is_printed_as_json() -> None:
    result = config("schema")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == config_schema()
