"""The example of the page on late truth: what it shows is what a store that lives through it answers."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from monitoring_pipeline.config.models import Baseline
from monitoring_pipeline.database import reading
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.results.tables import metrics
from monitoring_pipeline.stages.comparing.compare import compare_window
from monitoring_pipeline.windows import HOUR_MICROS, Grain, Window, to_micros
from tests.conftest import FixedClock
from tests.late_truth import LateTruth, hour

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "late-truth.md"
DAYS = 4  # Monday to Thursday
NOW = hour(DAYS, 3)  # Friday, three hours after Thursday's end


@pytest.fixture
def world(sqlite_engine: Engine, tmp_path: Path, clock: FixedClock) -> LateTruth:
    """Eight predictions of 10 each noon; half of the truth, 11, comes two hours after midnight, half, 19, at 20:00."""
    world = LateTruth(sqlite_engine, tmp_path, clock)
    for day in range(DAYS):
        noon, end = hour(day, 12), hour(day + 1)
        world.predict(noon, *([10.0] * 8))
        world.tell(noon, dict.fromkeys(range(4), 11.0), at=end + 2 * HOUR_MICROS)
        world.compute(noon, at=end + 3 * HOUR_MICROS)
        if day < DAYS - 1:
            world.tell(noon, dict.fromkeys(range(4, 8), 19.0), at=end + 20 * HOUR_MICROS)
            world.compute(noon, at=end + 21 * HOUR_MICROS)
    return world


def correct_monday(world: LateTruth) -> None:
    """At five on Friday: one truth turns out to be another, and one was another already on Tuesday night."""
    world.tell(hour(0, 12), {4: 11.0}, at=hour(DAYS, 4))
    world.tell(hour(0, 12), {1: 15.0}, at=hour(1, 2) + HOUR_MICROS // 2)
    world.compute(hour(0, 12), at=hour(DAYS, 5))


def shown(heading: str) -> dict[str, list[str]]:
    """The cells of the table under a heading, by the words in its first column."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition(f"\n### {heading}\n")
    lines = re.findall(r"^\| (.+?) \| (.+) \|$", section.partition("\n## ")[0].partition("\n### ")[0], re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in lines}


def answers(world: LateTruth) -> dict[str, list[str]]:
    """The three answers for each day, as the page writes them."""
    baseline = Baseline(windows=DAYS - 1, every=timedelta(days=1))
    thursday, *past = compare_window(world.pipeline, world.model, "mae", Window(hour(DAYS - 1), Grain.DAY), baseline)
    at_age = {row["window_start"]: row["value"] for row in [thursday, *past]}
    return {
        "what stands now": _cells(_mae(world, None)),
        "`--as-of 2013-06-20T03:00Z`": _cells(_mae(world, to_micros(datetime(2013, 6, 20, 3, tzinfo=UTC)))),
        "`--as-of 2013-06-21T03:00Z`": _cells(_mae(world, NOW)),
        "`monitor compare`": _cells(at_age),
    }


def _mae(world: LateTruth, as_of: int | None) -> dict[str, float]:
    rows = read_metrics(world.engine, grain=Grain.DAY, as_of=as_of, clock=world.clock)
    return {row["window_start"]: row["value"] for row in rows if row["metric"] == "mae"}


def _cells(values: dict[str, float]) -> list[str]:
    found = [values.get(f"2013-06-{17 + day}T00:00:00Z") for day in range(DAYS)]
    return ["–" if value is None else f"{value:g}" for value in found]


@pytest.mark.parametrize("heading", ["On Friday at three", "On Friday at five"])
def test_the_page_shows_what_each_question_is_answered_with(world: LateTruth, heading: str) -> None:
    if heading == "On Friday at five":
        correct_monday(world)
        world.clock.now = NOW + 2 * HOUR_MICROS + HOUR_MICROS // 2

    found = answers(world)

    assert {name: shown(heading)[name] for name in found} == found


def test_the_page_says_how_often_mondays_error_is_stored(world: LateTruth) -> None:
    correct_monday(world)
    [said] = re.findall(r"Monday's error is stored\s+in (\w+) rows", PAGE.read_text(encoding="utf-8"))
    query = select(func.count()).select_from(metrics)

    with reading(world.engine) as connection:
        rows = connection.scalar(
            query.where(metrics.c.metric == "mae", metrics.c.grain == "day", metrics.c.window_start == hour(0))
        )

    assert {"two": 2, "three": 3, "four": 4}[said] == rows
