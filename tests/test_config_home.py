"""Where state lives and which config is used."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import make_url

from monitoring_pipeline.config.home import Home, config_path
from monitoring_pipeline.errors import MonitorError


@pytest.fixture(autouse=True)
def _clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONITOR_HOME", raising=False)
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)


def test_home_is_a_hidden_folder_here_unless_the_environment_names_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Home.from_environment().root == tmp_path / ".monitor"

    monkeypatch.setenv("MONITOR_HOME", "elsewhere")
    assert Home.from_environment().root == tmp_path / "elsewhere"

    monkeypatch.setenv("MONITOR_HOME", "")
    assert Home.from_environment().root == tmp_path / ".monitor"


def test_a_new_home_is_its_owners_alone(tmp_path: Path) -> None:
    home = Home(root=tmp_path / "a" / "home").ensure()

    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700
    assert home.lake.is_dir()
    assert home.dagster.is_dir()
    assert home.mlflow_artifacts.is_dir()


def test_a_home_that_exists_keeps_its_mode_and_content(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "kept").touch()

    Home(root=tmp_path).ensure().ensure()

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert (tmp_path / "kept").exists()


def test_a_file_in_the_place_of_home_is_one_plain_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(MonitorError, match=r"cannot be used: File exists; set MONITOR_HOME to a folder you can write"):
        Home(root=tmp_path / "file").ensure()
    with pytest.raises(MonitorError, match=r"cannot be used: Not a directory; set MONITOR_HOME"):
        Home(root=tmp_path / "file" / "below").ensure()


@pytest.mark.parametrize("name", ["plain", "with space", "a?b", "50%20#"])
def test_store_addresses_survive_any_folder_name(tmp_path: Path, name: str) -> None:
    home = Home(root=tmp_path / name)

    assert make_url(home.store_url).database == str(home.root / "monitor.db")
    assert make_url(home.mlflow_url).database == str(home.root / "mlflow" / "mlflow.db")


def test_the_option_beats_the_environment_which_beats_the_file_here_which_beats_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert config_path(None) is None

    Path("monitoring.yaml").touch()
    assert config_path(None) == Path("monitoring.yaml")

    monkeypatch.setenv("MONITOR_CONFIG", "from_environment.yaml")
    assert config_path(None) == Path("from_environment.yaml")

    assert config_path(Path("from_option.yaml")) == Path("from_option.yaml")


def test_a_user_whom_nobody_knows_is_one_plain_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_CONFIG", "~nobody-here/monitoring.yaml")
    with pytest.raises(MonitorError, match=r"MONITOR_CONFIG is ~nobody-here/monitoring.yaml, and this machine has no"):
        config_path(None)

    monkeypatch.setenv("MONITOR_HOME", "~nobody-here/x")
    with pytest.raises(MonitorError, match=r"MONITOR_HOME is ~nobody-here/x, and this machine has no such user"):
        Home.from_environment()
