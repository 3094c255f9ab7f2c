"""A store of before drift verdicts is upgraded: what was told is kept, and what can be measured anew is due."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, inspect, text

from monitoring_pipeline.database import open_engine, reading
from monitoring_pipeline.migrations import upgrade
from monitoring_pipeline.results.read import read_drift
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain
from tests import first_schema
from tests.pipeline_examples import START

KEPT = ("logged_predictions", "joined_predictions", "hourly_performance", "daily_performance")
MEASURED_ANEW = ("hourly_drift", "hourly_findings", "daily_drift", "daily_findings")


@pytest.fixture(params=["sqlite", "postgresql"])
def before(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Engine]:
    """An empty store of the schema before, on each database."""
    if request.param == "sqlite":
        store = open_engine(sqlite_url)
    else:
        store = open_engine(request.getfixturevalue("postgres_database_url"))
    first_schema.begin(store)
    first_schema.upgrade_to(store, "0002")
    yield store
    store.dispose()


def drift_row(**fields: object) -> first_schema.Row:
    """A result as it was written, with a value that no rounding survives."""
    return {
        "model_id": "ü model",
        "model_version": "1",
        "environment": "production",
        "segment": "all",
        "grain": "hour",
        "window_start": START,
        "feature": "distance",
        "measure": "psi",
        "value": 0.1 + 0.2,
        "p_value": 5e-324,
        "threshold": 1 / 3,
        "verdict": "drift",
        "reason": "effect_and_evidence",
        "n_reference": 9_007_199_254_740_993,
        "n_window": 40,
        "reference_id": "f" * 64,
        "known_from": START + 1,
        "known_to": None,
        **fields,
    }


def ledger_row(dataset: str, window_start: int, model_id: str = "m") -> first_schema.Row:
    return {
        "dataset": dataset,
        "model_id": model_id,
        "window_start": window_start,
        "revision": 1,
        "checksum": "numbers",
        "row_count": 1,
        "byte_count": 0,
        "published_at": START,
    }


def left(engine: Engine) -> set[tuple[str, int]]:
    return {(row["dataset"], row["window_start"]) for row in first_schema.all_rows(engine)["partition_ledger"]}


def test_every_result_is_kept_to_the_last_bit_as_drift_of_inputs(before: Engine) -> None:
    told = [
        drift_row(known_to=START + 2, value=None, p_value=None, verdict="not_enough_data"),
        drift_row(),
        drift_row(measure="ks", threshold=None, reason=None),
        drift_row(grain="day", feature="ø", value=1.7976931348623157e308),
    ]
    first_schema.fill(before, {"drift_results": told})

    upgrade(before)

    rows = first_schema.all_rows(before)["drift_results"]
    assert sorted(({name: row[name] for name in told[0]} for row in rows), key=repr) == sorted(told, key=repr)
    assert {(row["drift_type"], row["n_effective"], row["window_count"]) for row in rows} == {("data_drift", 40.0, 1)}
    unknown = ("q_value", "noise_limit", "detectable", "detail")
    assert {row[name] for row in rows for name in unknown} == {None}
    with reading(before) as connection:
        assert not inspect(connection).has_table("drift_results_before")


def test_what_stands_is_unique_and_read_as_before(before: Engine) -> None:
    first_schema.fill(before, {"drift_results": [drift_row(known_to=START + 2), drift_row()]})

    upgrade(before)

    [row] = read_drift(before, model_id="ü model", grain=Grain.HOUR)
    assert (row["value"], row["verdict"]) == (0.1 + 0.2, "drift")
    with reading(before) as connection:
        index = {i["name"]: i for i in inspect(connection).get_indexes("drift_results")}["ux_drift_results_current"]
        assert index["unique"]
        assert index["column_names"][-3:] == ["drift_type", "feature", "measure"]
        assert connection.scalar(text("SELECT COUNT(*) FROM ml_drift_alerts")) == 0


def test_computed_windows_are_due_again_and_sealed_ones_are_not(before: Engine) -> None:
    computed, sealed = START, START + HOUR_MICROS
    sealed_day, other_day = START + 5 * DAY_MICROS, START
    hours = [computed, sealed, sealed_day, sealed_day + HOUR_MICROS]
    hourly = [dataset for dataset in (*KEPT, *MEASURED_ANEW) if not dataset.startswith("daily")]
    daily = [dataset for dataset in (*KEPT, *MEASURED_ANEW) if dataset.startswith("daily")]
    first_schema.fill(
        before,
        {
            "partition_ledger": [
                *(ledger_row(dataset, hour) for dataset in hourly for hour in hours),
                *(ledger_row(dataset, day) for dataset in daily for day in (sealed_day, other_day)),
                *(ledger_row("sealed_events", hour) for hour in hours if hour != computed),
                ledger_row("sealed_events", computed, model_id="another"),
            ]
        },
    )
    stood = left(before)

    upgrade(before)

    assert stood - left(before) == {
        ("hourly_drift", computed),
        ("hourly_findings", computed),
        ("daily_drift", other_day),
        ("daily_findings", other_day),
    }
