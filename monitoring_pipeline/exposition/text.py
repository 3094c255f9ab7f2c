"""Families written as Prometheus and OpenMetrics read them."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitoring_pipeline.exposition.families import Family


class _Shown(Collector):
    """Families and the process's own metrics as one source."""

    def __init__(self, families: Sequence[Family], own: Iterable[Collector]) -> None:
        self._families = families
        self._own = own

    def collect(self) -> Iterator[Metric]:
        for collector in self._own:
            yield from collector.collect()
        for family in self._families:
            yield family.as_metric()


def written(families: Sequence[Family], own: Iterable[Collector], *, accept: str) -> tuple[bytes, str]:
    """The text and its media type.

    Args:
        families: what was collected.
        own: metrics of the process.
        accept: what the scraper asks for; OpenMetrics if it names that, else the text format.
    """
    encode, media_type = choose_encoder(accept)
    return encode(_Shown(families, own)), media_type
