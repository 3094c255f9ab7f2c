"""Addresses of stores: what another engine has of them, and those that open none, with one sentence each."""

import pytest

from monitoring_pipeline.database import open_engine, reading, same_store
from monitoring_pipeline.errors import MonitorError


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:x?mode=memory&cache=shared&uri=true",
    ],
)
def test_a_database_in_memory_is_refused_because_it_forgets_what_was_acknowledged(url: str) -> None:
    with pytest.raises(MonitorError, match=r"would be gone with the process; write sqlite:///file.db"):
        open_engine(url)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("postgresql+psycopg2://u@host:port/db", "store_url has a part that cannot be read"),
        ("sqlite:///x.db?timeout=soon", "store_url has a part that cannot be read"),
        ("sqlite:///x\0.db", "store_url holds a character"),
        ("postgresql+psycopg2://u@127.0.0.1:1/db?colour=red", 'cannot be used: invalid dsn: .* option "colour"'),
        ("postgresql+psycopg2://u@127.0.0.1:99999999/db", "cannot be used: invalid port number"),
    ],
)
def test_an_address_with_a_wrong_part_is_one_sentence(url: str, fault: str) -> None:
    with pytest.raises(MonitorError, match=fault) as caught, reading(open_engine(url)):
        pass

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["sqlite:///x.db?timeout=9", "postgresql+psycopg2://u:p%40ss@host:5/db?sslmode=require"]
)
def test_another_engine_on_a_store_has_the_whole_address_with_the_password_and_its_own_connections(url: str) -> None:
    engine = open_engine(url)

    other = same_store(engine)

    assert other.url == engine.url
    assert other.pool is not engine.pool
