"""Late truth: only what it touches is computed again, and the end is what a rebuild from nothing gives."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.partitions import window_start
from monitoring_pipeline.installation import Installation
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor, isoformat
from tests.conftest import FixedClock
from tests.pipeline_examples import (
    LONG_AFTER,
    START,
    Event,
    actual_of,
    files_of,
    final_state,
    history,
    ingest,
    ledger_rows,
    open_home,
    run_due,
    table_rows,
)

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

HOURS = range(72)
HOURLY = ("joined_predictions", "data_quality", "hourly_performance", "hourly_findings")
DAILY = ("daily_performance", "daily_estimates", "daily_truth_drift", "daily_findings")
RESULTS = ("sums", "metrics", "drift", "quality", "findings")

# What arrives late, by model: truths that were missing or are corrected, in hours of the first and the last day.
LATE_HOURS = {"delay": (2, 3, 17, 49), "late": (3, 60)}
ORPHAN_HOUR = 55  # of ``delay``: the actual was there first, now its prediction comes
TOUCHED = {(model, START + hour * HOUR_MICROS) for model, hours in LATE_HOURS.items() for hour in hours} | {
    ("delay", START + ORPHAN_HOUR * HOUR_MICROS)
}
# Hours of few rows are looked at together with the five before them.
LOOKED_AT_WITH_IT = {("delay", START + hour * HOUR_MICROS) for hour in range(ORPHAN_HOUR + 1, ORPHAN_HOUR + 6)}
TOUCHED_DAYS = {(model, floor(hour, Grain.DAY)) for model, hour in TOUCHED}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """All that an installation holds at one moment."""

    ledger: dict[tuple[str, str, int], dict[str, Any]]
    files: dict[str, int]
    results: dict[str, list[dict[str, Any]]]

    @classmethod
    def of(cls, installation: Installation) -> "Picture":
        return cls(
            ledger=ledger_rows(installation),
            files=files_of(installation),
            results={name: table_rows(installation, name) for name in RESULTS},
        )


@dataclass(frozen=True, kw_only=True)
class Story:
    """A history that was computed, then touched by late events, then brought up to date."""

    installation: Installation
    before: Picture
    after: Picture
    reconciled_at: int
    materialized: dict[str, set[int]]  # by asset: the windows that the second reconciliation materialized
    hours_computed: int
    model_hours_reopened: int
    model_days_reopened: int


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def story(instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    clock = FixedClock(LONG_AFTER)
    installation = open_home(tmp_path_factory.mktemp("touched"), clock=clock)
    early_predictions, early_actuals, late_predictions, late_actuals = scattered()
    ingest(installation, predictions=early_predictions, actuals=early_actuals)
    run_due(installation, instance)
    before, known = Picture.of(installation), newest_event(instance)

    clock.advance(hours=1)
    ingest(installation, predictions=late_predictions, actuals=late_actuals)
    clock.advance(hours=1)
    report = run_due(installation, instance)

    yield Story(
        installation=installation,
        before=before,
        after=Picture.of(installation),
        reconciled_at=clock(),
        materialized=materialized_since(instance, known),
        hours_computed=report.windows[Grain.HOUR],
        model_hours_reopened=report.reopened[Grain.HOUR],
        model_days_reopened=report.reopened[Grain.DAY],
    )
    installation.engine.dispose()


def scattered() -> tuple[list[Event], list[Event], list[Event], list[Event]]:
    """Early predictions and actuals, then late ones: missing truths, corrections, and the prediction of an orphan."""
    predictions, actuals = history(HOURS)
    orphan = f"{ORPHAN_HOUR:03}-4"
    late_predictions = [p for p in predictions if (p["model_id"], p["prediction_id"]) == ("delay", orphan)]
    early_predictions = [p for p in predictions if p not in late_predictions]
    told = {(actual["model_id"], actual["prediction_id"]) for actual in actuals}
    assert ("delay", orphan) in told, "the orphan's actual must be among the early ones"
    late_actuals = [
        actual_of(model, f"{hour:03}-{row}", truth, at=START + 6 * DAY_MICROS)
        for model, hours in LATE_HOURS.items()
        for hour in hours
        for row, truth in ((1, 0.0), (6, 1.0))
    ]
    corrections = [late for late in late_actuals if (late["model_id"], late["prediction_id"]) in told]
    assert 0 < len(corrections) < len(late_actuals), "some truths are new, some are corrected"
    return early_predictions, actuals, late_predictions, late_actuals


def newest_event(instance: dg.DagsterInstance) -> int:
    """The last materialization that the instance holds."""
    return max(record.storage_id for record in _materializations(instance))


def materialized_since(instance: dg.DagsterInstance, storage_id: int) -> dict[str, set[int]]:
    """The windows that were materialized after an event, by asset."""
    found: dict[str, set[int]] = {}
    for record in _materializations(instance):
        if record.storage_id > storage_id and record.partition_key is not None:
            assert record.asset_key is not None
            found.setdefault(record.asset_key.to_user_string(), set()).add(window_start(record.partition_key))
    return found


def _materializations(instance: dg.DagsterInstance) -> list[dg.EventLogRecord]:
    return [
        record
        for key in instance.all_asset_keys()
        for record in instance.fetch_materializations(key, limit=5000).records
    ]


def test_the_story_is_about_some_of_many_hours(story: Story) -> None:
    known = {key[1:] for key in story.before.ledger if key[0] == "hourly_findings"}

    assert len(known) == 2 * len(HOURS)
    assert len(TOUCHED) == 7
    assert known.issuperset(TOUCHED)


def test_dagster_materialized_exactly_the_touched_hours_and_their_days(story: Story) -> None:
    hours, days = {hour for _, hour in TOUCHED}, {day for _, day in TOUCHED_DAYS}
    of_late_prediction = {START + ORPHAN_HOUR * HOUR_MICROS}

    # MLflow is away, so mlflow_runs also tries again to show the day in between.
    of_stages = {asset: windows for asset, windows in story.materialized.items() if asset != "mlflow_runs"}
    assert of_stages == {
        **dict.fromkeys(HOURLY, hours),
        # Late truth rewrites neither the logged rows nor the drift of an hour; a late prediction does.
        **dict.fromkeys(("logged_predictions", "hourly_drift"), of_late_prediction),
        **dict.fromkeys((*DAILY, "daily_drift"), days),
    }
    assert story.hours_computed == len(hours)
    assert story.model_hours_reopened == len(TOUCHED)
    assert story.model_days_reopened == len(TOUCHED_DAYS)


def test_the_ledger_changed_for_exactly_the_touched_models_hours(story: Story) -> None:
    changed = {key for key, row in story.after.ledger.items() if row != story.before.ledger.get(key)}

    orphan_hour, its_day = START + ORPHAN_HOUR * HOUR_MICROS, START + ORPHAN_HOUR // 24 * DAY_MICROS
    late_truth = {(dataset, *key) for dataset in HOURLY for key in TOUCHED}
    late_prediction = {(dataset, "delay", orphan_hour) for dataset in ("logged_predictions", "hourly_drift")}
    of_days = {(dataset, *key) for dataset in DAILY for key in TOUCHED_DAYS} | {("daily_drift", "delay", its_day)}
    beside = {(dataset, *key) for dataset in ("hourly_drift", "hourly_findings") for key in LOOKED_AT_WITH_IT}
    assert late_truth | late_prediction | of_days <= changed <= late_truth | late_prediction | of_days | beside
    assert {story.after.ledger[key]["published_at"] for key in changed} == {story.reconciled_at}
    # Those beside it stand for the same revision as before: of their own rows nothing changed.
    assert all(
        (story.after.ledger[key]["revision"] > story.before.ledger[key]["revision"]) == (key not in beside)
        for key in changed
    )


def test_no_other_file_was_written_again(story: Story) -> None:
    standing = {row["path"] for row in story.after.ledger.values()}
    new = story.after.files.keys() - story.before.files.keys()

    # A superseded file is made young, so that no sweep takes it from a stage that is reading it.
    assert {path: story.after.files[path] for path in standing - new - {None}} == {
        path: written for path, written in story.before.files.items() if path in standing
    }
    assert story.before.files.keys() <= story.after.files.keys()
    assert len(new) == len(TOUCHED) + 1  # a joined file for each, and the logged file that gained a prediction
    assert new == {
        row["path"] for key, row in story.after.ledger.items() if row["path"] and row != story.before.ledger[key]
    }


def test_no_row_of_another_window_was_opened_or_closed(story: Story) -> None:
    for name in RESULTS:
        touched = TOUCHED | TOUCHED_DAYS | (LOOKED_AT_WITH_IT if name in {"drift", "findings"} else set())
        untouched_before = [row for row in story.before.results[name] if _window(row) not in touched]
        untouched_after = [row for row in story.after.results[name] if _window(row) not in touched]

        assert untouched_after == untouched_before, name
        assert story.after.results[name] != story.before.results[name], name


def test_an_hour_and_the_day_that_starts_with_it_do_not_close_each_others_rows(story: Story) -> None:
    # Both models, and the first hour of the day beside its day, have rows that differ only in model and grain.
    midnight = START + 2 * DAY_MICROS
    for name in ("metrics", "drift"):
        of_hour = [
            [row for row in picture.results[name] if row["window_start"] == midnight and row["grain"] == "hour"]
            for picture in (story.before, story.after)
        ]

        assert of_hour[0] == of_hour[1] != [], name
        assert all(row["known_to"] is None for row in of_hour[1]), name


def test_the_old_values_stay_on_record_until_the_instant_of_their_correction(story: Story) -> None:
    key = ("delay", START + 2 * HOUR_MICROS, "all", "mae")
    rows = sorted(
        (row for row in story.after.results["metrics"] if row["grain"] == "hour" and _metric_key(row) == key),
        key=lambda row: int(row["known_from"]),
    )

    assert [(row["known_from"], row["known_to"]) for row in rows] == [
        (LONG_AFTER, story.reconciled_at),
        (story.reconciled_at, None),
    ]
    assert rows[0]["value"] != rows[1]["value"]


def test_the_end_is_bit_for_bit_what_a_rebuild_from_the_same_events_gives(story: Story, tmp_path: Path) -> None:
    early_predictions, early_actuals, late_predictions, late_actuals = scattered()
    rebuilt = open_home(tmp_path, clock=FixedClock(story.reconciled_at))
    ingest(rebuilt, predictions=[*early_predictions, *late_predictions], actuals=[*early_actuals, *late_actuals])
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(rebuilt, instance)

    touched, fresh = final_state(story.installation, estimates=False), final_state(rebuilt, estimates=False)
    rebuilt.engine.dispose()

    for name in fresh:
        assert touched[name] == fresh[name], name
        assert fresh[name], name


def test_the_same_late_events_once_more_make_nothing_due(story: Story, instance: dg.DagsterInstance) -> None:
    _, early_actuals, late_predictions, late_actuals = scattered()

    ingest(story.installation, predictions=late_predictions, actuals=[*late_actuals, *early_actuals])
    report = run_due(story.installation, instance)

    assert report.runs == 0
    assert Picture.of(story.installation) == story.after


def test_a_history_that_was_judged_while_it_was_young_ends_like_a_rebuild(tmp_path: Path) -> None:
    predictions, actuals = history(range(30))
    clock = FixedClock(START)
    lived = open_home(tmp_path / "lived", clock=clock)
    with dg.DagsterInstance.ephemeral() as instance:
        for day in range(1, 5):
            since, clock.now = clock.now, START + day * DAY_MICROS + HOUR_MICROS
            ingest(lived, predictions=known(predictions, since, clock.now), actuals=known(actuals, since, clock.now))
            run_due(lived, instance)

    rebuilt = open_home(tmp_path / "rebuilt", clock=clock)
    ingest(rebuilt, predictions=predictions, actuals=actuals)
    with dg.DagsterInstance.ephemeral() as instance:
        run_due(rebuilt, instance)

    of_life, fresh = final_state(lived, estimates=False), final_state(rebuilt, estimates=False)
    # A verdict that age cannot change is not written again, so it says of which age it was when it was judged.
    for state in (of_life, fresh):
        state["findings"] = [tuple(item for item in row if item[0] != "mature") for row in state["findings"]]
    for name in fresh:
        assert of_life[name] == fresh[name], name
    for installation in (lived, rebuilt):
        installation.engine.dispose()


def known(events: list[Event], since: int, until: int) -> list[Event]:
    """The events that became known in ``(since, until]``."""
    return [event for event in events if isoformat(since) < event["received_at"] <= isoformat(until)]


def _window(row: dict[str, Any]) -> tuple[str, int]:
    return row["model_id"], row["window_start"]


def _metric_key(row: dict[str, Any]) -> tuple[str, int, str, str]:
    return row["model_id"], row["window_start"], row["segment"], row["metric"]
