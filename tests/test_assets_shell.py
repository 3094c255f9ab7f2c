"""What the user interface shows is made of names that others chose."""

import base64
import re
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import insert

from assets.plots import day_picture
from assets.shell import MAX_CELL_LENGTH, markdown_table
from monitoring_pipeline.config.home import Home
from monitoring_pipeline.database import writing
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.results.tables import metrics
from monitoring_pipeline.stages.report import ModelOutcome, OutcomeState
from tests.results_examples import DAY, a_metric

LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("character", [*LINE_BREAKS, "\x1b", "\u202e"])
def test_a_name_cannot_begin_a_new_row(character: str) -> None:
    table = markdown_table(["model", "state"], [[f"eta{character}| forged", "computed"]])

    assert table.splitlines() == ["| model | state |", "| --- | --- |", "| eta \\| forged | computed |"]


@pytest.mark.parametrize(
    "name", ["[x](http://a)", "<img src=x>", "![x](y)", "`code`", "**bold**", "a|b", "back\\|slash"]
)
def test_a_name_is_shown_as_it_is_written(name: str) -> None:
    cell = markdown_table([name], []).splitlines()[0].removeprefix("| ").removesuffix(" |")

    assert re.sub(r"\\(.)", r"\1", cell) == name
    assert not set(re.sub(r"\\.", "", cell)) & set("|[]<>*`!\\")


def test_a_long_name_is_cut_before_it_is_escaped() -> None:
    cell = markdown_table(["|" * 1000], []).splitlines()[0]

    assert cell == "| " + r"\|" * (MAX_CELL_LENGTH - 1) + "… |"


@pytest.mark.parametrize("model_id", ["a $x^{$ b", "one\ntwo\x1b[2J", "$" * 400, "\\$"])
def test_a_day_is_drawn_whatever_its_model_is_called(model_id: str, tmp_path: Path) -> None:
    installation = open_installation(home=Home(root=tmp_path / "home"))
    with writing(installation.engine) as connection:
        connection.execute(insert(metrics), [a_metric(model_id=model_id, grain="hour")])
    outcome = ModelOutcome(model_id=model_id, window_start=DAY, state=OutcomeState.COMPUTED, row_count=1)

    picture = day_picture(installation.pipeline, DAY, [outcome])["by_hour"]

    assert isinstance(picture, dg.MarkdownMetadataValue)
    encoded = str(picture.md_str).removeprefix("![by hour](data:image/png;base64,").removesuffix(")")
    assert base64.b64decode(encoded).startswith(b"\x89PNG")
    installation.engine.dispose()
