"""The pipes that a query defines answer as the query does, run by a database over a plain table of the same rows."""

import io
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from monitoring_pipeline.lake.files import Lake
from monitoring_pipeline.stages.live.drift import drift_detection
from monitoring_pipeline.stages.live.live import Live
from monitoring_pipeline.stages.live.performance import performance_metrics
from tests.conftest import FixedClock
from tests.live_world import ENVIRONMENTS, INSTANTS, MODEL, VERSIONS, World, land

RELATIVE = 1e-9
AT = "timestamptz 'epoch' + :now * interval '1 microsecond'"  # in place of now()

PERFORMANCE = text(f"""
    SELECT count(*) AS prediction_count,
        sqrt(avg(power(predicted_value - actual_value, 2))) AS rmse,
        avg(abs(predicted_value - actual_value)) AS mae,
        min(timestamp) AS period_start, max(timestamp) AS period_end
    FROM ml_model_predictions
    WHERE model_id = :model_id AND model_version = :model_version AND environment = :environment
        AND timestamp >= {AT} - :time_window * interval '1 hour'
    GROUP BY model_id, model_version, environment
""")

DRIFT = text(f"""
    WITH windows AS (
        SELECT model_version, avg(abs(predicted_value - actual_value)) AS mae, count(*) AS count,
            timestamp >= {AT} - :recent * interval '1 hour' AS is_recent
        FROM ml_model_predictions
        WHERE model_id = :model_id AND environment = :environment
            AND timestamp >= {AT} - :historical * interval '1 hour'
        GROUP BY model_version, is_recent
    )
    SELECT r.model_version, r.mae AS recent_mae, h.mae AS historical_mae, (r.mae - h.mae) / h.mae AS drift_percentage,
        r.count AS recent_count, h.count AS historical_count
    FROM windows r LEFT JOIN windows h ON h.model_version = r.model_version AND NOT h.is_recent
    WHERE r.is_recent AND h.mae > 0
    ORDER BY abs((r.mae - h.mae) / h.mae) DESC
""")

PLAIN = """
    CREATE TABLE ml_model_predictions (timestamp timestamptz, model_id text, predicted_value double precision,
        actual_value double precision, model_version text, environment text)
"""


@pytest.fixture
def plain(postgres_url: Callable[[str], str]) -> Iterator[Engine]:
    """A database that knows nothing of the program."""
    address = postgres_url("postgres")
    admin = create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE plain_rows")
    engine = create_engine(postgres_url("plain_rows"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(PLAIN)
    yield engine
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE plain_rows WITH (FORCE)")


def _fill(plain: Engine, world: World) -> None:
    lines = io.StringIO()
    for row in world.made.values():
        actual = "" if row.actual is None else repr(row.actual)
        lines.write(f"{row.at},{MODEL},{row.predicted!r},{actual},{row.version},{row.environment}\n")
    lines.seek(0)
    raw = plain.raw_connection()
    with closing(raw.cursor()) as cursor:
        driver_cursor: Any = cursor  # COPY is beyond the interface of every driver
        cursor.execute("TRUNCATE ml_model_predictions")
        cursor.execute("CREATE TEMP TABLE sent (at bigint, m text, p float8, a float8, v text, e text)")
        driver_cursor.copy_expert("COPY sent FROM STDIN (FORMAT csv)", lines)
        cursor.execute(
            "INSERT INTO ml_model_predictions "
            "SELECT timestamptz 'epoch' + at * interval '1 microsecond', m, p, a, v, e FROM sent"
        )
    raw.commit()
    raw.close()


def _asked(plain: Engine, query: Any, **parameters: Any) -> list[dict[str, Any]]:
    with plain.connect() as connection:
        return [dict(row) for row in connection.execute(query, {"model_id": MODEL, **parameters}).mappings()]


def _same_answers(engine: Engine, plain: Engine, lake: Lake, *, rows: int) -> None:
    world, clock = World(rng=random.Random(20_260_302)), FixedClock(0)
    live = Live.of(engine, lake=lake, clock=clock)
    for clock.now in INSTANTS:
        land(engine, world.arrive(clock.now, rows // len(INSTANTS)), clock=clock)
        _fill(plain, world)
        for environment in ENVIRONMENTS:
            for time_window in (1, 24, 240):
                for version in VERSIONS:
                    _same_performance(live, plain, version, environment, time_window)
            for windows in ((6, 168), (1, 3), (24, 240)):
                _same_drift(live, plain, environment, *windows)


def _same_performance(live: Live, plain: Engine, version: str, environment: str, time_window: int) -> None:
    found = performance_metrics(
        live, model_id=MODEL, model_version=version, environment=environment, time_window_hours=time_window
    ).rows
    told = _asked(
        plain,
        PERFORMANCE,
        model_version=version,
        environment=environment,
        time_window=time_window,
        now=live.clock(),
    )

    assert len(found) == len(told) == 1
    assert found[0].prediction_count == told[0]["prediction_count"]
    assert (found[0].rmse, found[0].mae) == pytest.approx((told[0]["rmse"], told[0]["mae"]), rel=RELATIVE)
    assert found[0].period_start == round(told[0]["period_start"].timestamp() * 1e6)
    assert found[0].period_end == round(told[0]["period_end"].timestamp() * 1e6)


def _same_drift(live: Live, plain: Engine, environment: str, recent: int, historical: int) -> None:
    found = drift_detection(
        live,
        model_id=MODEL,
        environment=environment,
        recent_window_hours=recent,
        historical_window_hours=historical,
    ).rows
    told = _asked(plain, DRIFT, environment=environment, recent=recent, historical=historical, now=live.clock())

    with_history = [row for row in found if row.drift_percentage is not None]
    assert len(told) >= 1
    assert [row.model_version for row in with_history] == [row["model_version"] for row in told]
    for row, expected in zip(with_history, told, strict=True):
        assert (row.recent_count, row.historical_count) == (expected["recent_count"], expected["historical_count"])
        names = ("recent_mae", "historical_mae")
        assert [getattr(row, name) for name in names] == pytest.approx([expected[n] for n in names], rel=RELATIVE)
        # The difference of two near means loses digits on either side.
        assert row.drift_percentage == pytest.approx(expected["drift_percentage"], rel=1e-7, abs=RELATIVE)


def test_a_hundred_thousand_rows_in_sqlite_give_what_the_queries_give(
    sqlite_engine: Engine, plain: Engine, tmp_path: Any
) -> None:
    _same_answers(sqlite_engine, plain, Lake(root=tmp_path), rows=100_000)


def test_rows_in_postgresql_give_what_the_queries_give(postgres_engine: Engine, plain: Engine, tmp_path: Any) -> None:
    _same_answers(postgres_engine, plain, Lake(root=tmp_path), rows=6_000)


@pytest.mark.long
def test_a_hundred_thousand_rows_in_postgresql_give_what_the_queries_give(
    postgres_engine: Engine, plain: Engine, tmp_path: Any
) -> None:
    _same_answers(postgres_engine, plain, Lake(root=tmp_path), rows=100_000)
