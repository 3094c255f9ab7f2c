"""What a scraper understands of ``GET /metrics``: parsed by the reader of the Prometheus client."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

OPENMETRICS = "application/openmetrics-text; version=1.0.0"

Series = dict[str, dict[frozenset[tuple[str, str]], float]]
"""Values by name and labels."""


def scrape(client: httpx.Client, *, headers: Mapping[str, str] | None = None) -> Series:
    """Every series of one scrape; none is there twice."""
    reply = client.get("/metrics", headers=headers)
    assert reply.status_code == httpx.codes.OK, reply.text
    return series_of(read(reply))


def read(reply: httpx.Response) -> list[Metric]:
    """The families of an answer, read as the format that it says it is in."""
    is_openmetrics = reply.headers["content-type"].startswith("application/openmetrics-text")
    return list((read_openmetrics if is_openmetrics else read_text)(reply.text))


def series_of(families: Iterable[Metric]) -> Series:
    """Values by name and labels."""
    found: Series = {}
    for family in families:
        for sample in family.samples:
            of_name = found.setdefault(sample.name, {})
            key = labelled(**sample.labels)
            assert key not in of_name, f"{sample.name} {dict(key)} is there twice"
            of_name[key] = sample.value
    return found


def labelled(**labels: Any) -> frozenset[tuple[str, str]]:
    """The key of a series."""
    return frozenset((name, str(value)) for name, value in labels.items())


def only(found: Series, name: str, **labels: Any) -> dict[frozenset[tuple[str, str]], float]:
    """The series of a name that carry these labels, among others perhaps."""
    return {key: value for key, value in found.get(name, {}).items() if labelled(**labels) <= key}


def value(found: Series, name: str, **labels: Any) -> float:
    """The one series with these labels."""
    [one] = only(found, name, **labels).values()
    return one


def count(found: Series) -> int:
    """How many series there are."""
    return sum(map(len, found.values()))
