"""Addresses that no store can be opened by: one sentence each, before anything is acknowledged."""

import pytest

from monitoring_pipeline.database import open_engine, reading
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
