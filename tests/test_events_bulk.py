"""Appending many rows with one statement."""

import pytest
from sqlalchemy import Connection, Engine, func, select

from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.events.sql import bulk
from monitoring_pipeline.events.tables import ingest_batches

REFUSED = "UNIQUE constraint|duplicate key"


def batches(first: int, count: int) -> list[bulk.Row]:
    return [(f"{number:04d}", "predictions", "here", 0, 1, 1, 0, 0, 0) for number in range(first, first + count)]


def append_in_one(engine: Engine, *parts: list[bulk.Row]) -> None:
    with writing(engine) as connection:
        for rows in parts:
            bulk.append(connection, ingest_batches, rows)


def stored(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(ingest_batches)) or 0


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1_000])
def test_every_row_is_stored_once_however_many_there_are(engine: Engine, count: int) -> None:
    append_in_one(engine, batches(0, count))

    with reading(engine) as connection:
        assert stored(connection) == count


def test_a_row_that_cannot_be_stored_takes_back_all_of_its_transaction_and_nothing_before(engine: Engine) -> None:
    append_in_one(engine, batches(0, 10))

    with pytest.raises(Exception, match=REFUSED):  # COPY goes past SQLAlchemy: it is the driver's own error
        append_in_one(engine, batches(100, 700), [*batches(800, 300), *batches(5, 1)])

    with writing(engine) as connection:
        assert stored(connection) == 10
        bulk.append(connection, ingest_batches, batches(100, 1))
    with reading(engine) as connection:
        assert stored(connection) == 11
