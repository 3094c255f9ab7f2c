"""Whatever is in ``monitoring.yaml``, people get a config or a plain error, and never a traceback."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import MonitoringConfig
from monitoring_pipeline.config.problems import ConfigError
from monitoring_pipeline.config.yaml_reader import read_yaml

EXAMPLE = (Path(__file__).parents[1] / "examples" / "monitoring.yaml").read_text(encoding="utf-8")
DOCUMENT = read_yaml(EXAMPLE.encode(), file="example").value

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "all", "mae", "numeric", "binary", "PT1H", "72:00:00", "2013-06-17", "${X", "${X:-1}", "log"]),
    st.text(max_size=8),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
)
ONCE_PER_FOLDER = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


def loads_or_is_refused_in_order(file: Path) -> None:
    try:
        assert isinstance(load_config(file), MonitoringConfig)
    except ConfigError as error:
        lines = [problem.line for problem in error.problems]
        assert lines
        assert lines == sorted(lines)
        assert lines[0] >= 1
        # As YAML and most editors count: a lone carriage return ends a line, too.
        assert lines[-1] <= len(file.read_bytes().decode(errors="replace").splitlines()) + 1


@ONCE_PER_FOLDER
@given(data=st.data())
def test_any_value_in_any_place_is_accepted_or_refused_plainly(data: st.DataObject, tmp_path: Path) -> None:
    document = deepcopy(DOCUMENT)
    container, key = data.draw(st.sampled_from(places(document)))
    container[key] = data.draw(VALUES)
    file = tmp_path / "monitoring.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")

    loads_or_is_refused_in_order(file)


@ONCE_PER_FOLDER
@given(text=st.one_of(st.binary(max_size=60), st.text("abx:-[]{}&*!#|>'\"\n\t ?,%@`<0~", max_size=40).map(str.encode)))
def test_any_bytes_are_accepted_or_refused_plainly(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "monitoring.yaml"
    file.write_bytes(text)

    loads_or_is_refused_in_order(file)


@ONCE_PER_FOLDER
@given(data=st.data())
def test_a_file_cut_or_joined_anywhere_is_accepted_or_refused_plainly(data: st.DataObject, tmp_path: Path) -> None:
    start = data.draw(st.integers(0, len(EXAMPLE)))
    end = data.draw(st.integers(start, len(EXAMPLE)))
    file = tmp_path / "monitoring.yaml"
    file.write_text(EXAMPLE[:start] + EXAMPLE[end:], encoding="utf-8")

    loads_or_is_refused_in_order(file)


def test_the_fuzzed_example_is_itself_accepted(tmp_path: Path) -> None:
    file = tmp_path / "monitoring.yaml"
    file.write_text(EXAMPLE, encoding="utf-8")

    assert load_config(file).models
