"""Rows of another database as a source: ties, late commits, corrections, and nothing written there."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect

from monitoring_pipeline.config.models import MonitoringConfig, SqlSource
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.sources.account import Account
from monitoring_pipeline.sources.intake import Intake
from monitoring_pipeline.sources.positions import positions_of
from monitoring_pipeline.sources.pull import pull
from monitoring_pipeline.sources.sql.pull import pull_sql
from tests.conftest import FixedClock
from tests.ingest_examples import stored

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Warehouse:
    """A database of somebody else, with a table of scored rows."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = create_engine(url)
        self.is_postgres = self.engine.dialect.name == "postgresql"
        instant = "timestamptz" if self.is_postgres else "text"
        self.do(f"CREATE TABLE scored (id bigint, ref text, score float, truth float, plan text, changed {instant})")

    def do(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def add(self, *rows: tuple[int, datetime | None]) -> None:
        """Rows with these ids and instants."""
        for number, changed in rows:
            written = "NULL" if changed is None else f"'{changed:%Y-%m-%d %H:%M:%S}+00'"
            if not self.is_postgres:
                written = written.replace("+00", "")
            self.do(f"INSERT INTO scored VALUES ({number}, 'r{number}', 0.5, NULL, 'basic', {written})")


@pytest.fixture
def warehouse(engine: Engine, tmp_path: Path, postgres_url: Callable[[str], str]) -> Iterator[Warehouse]:
    """A file of its own beside a store that is a file; tables beside those of a store on PostgreSQL."""
    if engine.dialect.name == "sqlite":
        found = Warehouse(f"sqlite:///{tmp_path / 'warehouse.db'}")
        yield found
        found.engine.dispose()
        return
    found = Warehouse(engine.url.render_as_string(hide_password=False))
    yield found
    found.engine.dispose()


MAPPED: dict[str, Any] = {
    "type": "sql",
    "url_env": "WAREHOUSE",
    "table": "scored",
    "watermark": "changed",
    "kind": "predictions",
    "columns": {
        "timestamp": "changed",
        "prediction_id": "ref",
        "predicted_value": "score",
        "features.plan": "plan",
    },
    "values": {"model_id": "churn"},
}


def read_on(engine: Engine, clock: FixedClock, warehouse: Warehouse, **changes: Any) -> Account:
    source = SqlSource.model_validate({**MAPPED, **changes})
    intake = Intake(engine=engine, config=MonitoringConfig(), clock=clock)
    sources: Mapping[str, Any] = {"warehouse": source}
    [account] = pull(sources, intake=intake, base=Path(), environ={"WAREHOUSE": warehouse.url})
    return account


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def refs(engine: Engine) -> set[str]:
    return {row["prediction_id"] for row in stored(engine, "predictions")}


def test_rows_become_events_by_the_mapping(engine: Engine, clock: FixedClock, warehouse: Warehouse) -> None:
    warehouse.add((1, at(0)))

    account = read_on(engine, clock, warehouse)

    [found] = stored(engine, "predictions")
    assert (account.accepted, account.troubles) == (1, [])
    assert (found["model_id"], found["prediction_id"], found["predicted_value"]) == ("churn", "r1", 0.5)
    assert (found["features"], found["predicted_at"]) == ('{"plan":"basic"}', int(NINE.timestamp() * 1e6))


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 7, 100])
def test_rows_that_share_a_watermark_are_all_read_however_large_a_chunk_is(
    engine: Engine, clock: FixedClock, warehouse: Warehouse, chunk_rows: int
) -> None:
    instants = [0, 0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 3, 4, 4]
    warehouse.add(*((number, at(minute)) for number, minute in enumerate(instants)))

    account = read_on(engine, clock, warehouse, chunk_rows=chunk_rows)

    assert refs(engine) == {f"r{number}" for number in range(len(instants))}
    assert (account.accepted, account.rejected, account.troubles) == (len(instants), 0, [])


def test_only_what_is_new_is_read_and_a_step_further_back(
    engine: Engine, clock: FixedClock, warehouse: Warehouse
) -> None:
    warehouse.add((1, at(0)), (2, at(60)))
    read_on(engine, clock, warehouse)
    warehouse.add((3, at(55)), (4, at(61)), (5, at(20)))  # 3 and 5 were committed late; 5 later than is allowed for

    account = read_on(engine, clock, warehouse, lookback="PT10M")

    assert refs(engine) == {"r1", "r2", "r3", "r4"}
    assert (account.accepted, account.duplicates) == (2, 1)


def test_rows_may_be_followed_by_their_ids(engine: Engine, clock: FixedClock, warehouse: Warehouse) -> None:
    warehouse.add(*((number, at(0)) for number in (1, 2, 10)))
    read_on(engine, clock, warehouse, watermark="id")
    warehouse.add((9, at(0)), (11, at(0)), (3, at(0)))

    account = read_on(engine, clock, warehouse, watermark="id", lookback_ids=5)

    assert refs(engine) == {"r1", "r2", "r9", "r10", "r11"}
    assert (account.accepted, account.duplicates) == (2, 1)
    assert positions_of(engine, "warehouse")[""]["whole"] == "11"


def test_a_declaration_that_was_mended_begins_anew(engine: Engine, clock: FixedClock, warehouse: Warehouse) -> None:
    warehouse.add((1, at(0)), (2, at(60)))
    wrong = {**MAPPED["columns"], "predicted_value": "plan"}
    first = read_on(engine, clock, warehouse, columns=wrong, values={"model_id": "churn", "confidence": 7})

    second = read_on(engine, clock, warehouse)
    third = read_on(engine, clock, warehouse, chunk_rows=7)  # says nothing else about the rows

    assert (first.quarantined, second.accepted, third.received) == (2, 2, 1)


def test_a_row_that_is_updated_is_a_correction_at_its_own_instant(
    engine: Engine, clock: FixedClock, warehouse: Warehouse
) -> None:
    truth = {
        "kind": "actuals",
        "columns": {"timestamp": "changed", "prediction_id": "ref", "actual_value": "truth"},
        "query": "SELECT * FROM scored WHERE truth IS NOT NULL",
        "table": None,
    }
    warehouse.add((1, at(0)))
    instant = "'2026-03-02 09:{:02}:00" + ("+00'" if warehouse.is_postgres else "'")
    for minute, value in ((5, 1.0), (20, 2.0), (40, 1.0)):
        warehouse.do(f"UPDATE scored SET truth = {value}, changed = {instant.format(minute)}")
        read_on(engine, clock, warehouse, **truth)
        read_on(engine, clock, warehouse, **truth)

    assert [row["actual_value"] for row in stored(engine, "actuals")] == [1.0, 2.0, 1.0]
    assert [row["revision"] for row in stored(engine, "actuals")] == [1, 2, 3]


def test_a_query_may_hold_colons_and_percent_signs(engine: Engine, clock: FixedClock, warehouse: Warehouse) -> None:
    warehouse.add((1, at(0)), (2, at(1)))
    cast = "ref::text" if warehouse.is_postgres else "CAST(ref AS text)"
    query = f"SELECT * FROM scored WHERE {cast} LIKE 'r%' AND plan <> 'a:b' AND plan <> '12:30';"

    account = read_on(engine, clock, warehouse, table=None, query=query)

    assert (account.accepted, account.troubles) == (2, [])


def test_a_row_without_watermark_is_read_when_it_has_one(
    engine: Engine, clock: FixedClock, warehouse: Warehouse
) -> None:
    warehouse.add((1, None), (2, at(0)))
    first = read_on(engine, clock, warehouse)
    warehouse.do("UPDATE scored SET changed = (SELECT max(changed) FROM scored) WHERE id = 1")

    second = read_on(engine, clock, warehouse)

    assert (first.accepted, second.accepted, second.duplicates) == (1, 1, 1)


def test_the_other_database_is_only_read(engine: Engine, clock: FixedClock, warehouse: Warehouse) -> None:
    warehouse.add((1, at(0)))
    if warehouse.is_postgres:
        warehouse.do("CREATE SEQUENCE s")
        query = "SELECT *, nextval('s') AS written FROM scored"
    else:
        query = "SELECT * FROM scored) AS q; DELETE FROM scored; --"

    account = read_on(engine, clock, warehouse, table=None, query=query)

    assert (account.received, len(account.troubles)) == (0, 1)
    with warehouse.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM scored").scalar() == 1


def test_what_is_wrong_is_told_without_address_and_statement(
    engine: Engine, clock: FixedClock, warehouse: Warehouse
) -> None:
    warehouse.add((1, at(0)))
    named = {**MAPPED["columns"], "entity_id": "reff"}
    wrong: list[dict[str, Any]] = [
        {"table": "scoring"},
        {"watermark": "plan"},
        {"watermark": "score"},
        {"columns": named},
        {"url_env": "NO_SUCH_VARIABLE"},
    ]

    troubles = [read_on(engine, clock, warehouse, **changes).troubles[0] for changes in wrong]

    for trouble, words in zip(
        troubles, ["scoring", "holds a str", "holds a float", "did you mean 'ref'?", "NO_SUCH_VARIABLE"], strict=True
    ):
        assert trouble.startswith("sources.warehouse")
        assert words in trouble
        assert "SELECT" not in trouble
        assert warehouse.url not in trouble


@pytest.mark.parametrize("url", ["what is this", "nosuchdialect://x", "postgresql+psycopg2://u:geheim@127.0.0.1:1/x"])
def test_an_address_that_cannot_be_used_is_told_without_its_password(
    sqlite_engine: Engine, clock: FixedClock, url: str
) -> None:
    intake = Intake(engine=sqlite_engine, config=MonitoringConfig(), clock=clock)
    source = SqlSource.model_validate(MAPPED)

    with pytest.raises(MonitorError, match="WAREHOUSE") as refused:
        pull_sql("w", source, intake=intake, environ={"WAREHOUSE": url}, into=Account(source="w"))

    assert "geheim" not in str(refused.value)


def test_a_crash_at_any_moment_skips_nothing(engine: Engine, clock: FixedClock, warehouse: Warehouse) -> None:
    warehouse.add(*((number, at(number // 3)) for number in range(20)))
    source = SqlSource.model_validate({**MAPPED, "chunk_rows": 5, "lookback": "PT1S"})
    counts = []

    for lives in (1, 2, 3, 4, 5, 100):
        asked = itertools.count(1)

        def dying(asked: "itertools.count[int]" = asked, lives: int = lives) -> int:
            if next(asked) > lives:
                raise _CrashError
            return clock()

        intake = Intake(engine=engine, config=MonitoringConfig(), clock=dying)
        with suppress(_CrashError):
            pull_sql("w", source, intake=intake, environ={"WAREHOUSE": warehouse.url}, into=Account(source="w"))
        counts.append(len(stored(engine, "predictions")))

    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 20)


class _CrashError(BaseException):
    """The process is gone."""


def test_columns_are_fields_of_their_own_name_where_nothing_is_mapped(
    engine: Engine, clock: FixedClock, warehouse: Warehouse
) -> None:
    warehouse.add((1, at(0)))
    query = (
        "SELECT ref AS prediction_id, score AS predicted_value, changed AS timestamp, id, changed AS mark FROM scored"
    )

    account = read_on(engine, clock, warehouse, table=None, query=query, columns={}, watermark="mark")

    [found] = stored(engine, "predictions")
    assert (account.accepted, found["extras"]) == (1, '{"id":1}')
    assert "scored" in inspect(warehouse.engine).get_table_names()
