"""What a scraper is answered: the state of the models from SQL, and what the server itself does."""

import threading

from prometheus_client.exposition import choose_encoder

from monitoring_pipeline.access.scopes import Caller, Scope
from monitoring_pipeline.api.metering.meter import Meter
from monitoring_pipeline.exposition.collect import Collection, Collector
from monitoring_pipeline.exposition.families import Family
from monitoring_pipeline.exposition.text import written
from monitoring_pipeline.installation import Installation

_END = b"# EOF\n"  # of OpenMetrics: once, after everything

_FOR_ALL = "mlmon_build_info"


class Exposed:
    """Answers scrapers; threads may share it.

    Args:
        installation: the config and the store.
        meter: what the server does.
    """

    def __init__(self, installation: Installation, meter: Meter) -> None:
        self._collector = Collector(installation)
        self._meter = meter
        self._lock = threading.Lock()
        self._texts: dict[str, tuple[int, bytes]] = {}

    def answer(self, caller: Caller, *, accept: str) -> tuple[bytes, str]:
        """The text and its media type.

        Whoever may read some models only is shown the series of those; what concerns all of them is left out.

        Args:
            caller: who asks.
            accept: which format is asked for.
        """
        accept = _understood(accept)
        collection = self._collector.collection()
        if not caller.may(Scope.METRICS_READ):
            return written(_for_some(collection, caller), (), accept=accept)
        own, media_type = written((), self._meter.collectors, accept=accept)
        return own.removesuffix(_END) + self._text(collection, accept), media_type

    def _text(self, collection: Collection, accept: str) -> bytes:
        """The families of a collection, written once for each format."""
        media_type = choose_encoder(accept)[1]
        with self._lock:
            number, text = self._texts.get(media_type, (0, b""))
            if number != collection.number:
                text, _ = written(collection.families, (), accept=accept)
                # What a scraper may ask for is its own to write: a few formats are kept, not all there ever were.
                if len(self._texts) >= 4:
                    self._texts.clear()
                self._texts[media_type] = collection.number, text
            return text


def _understood(accept: str) -> str:
    """The formats that are asked for; none if one is of a version that is no number, over which the library falls."""
    try:
        choose_encoder(accept)
    except TypeError:
        return ""
    return accept


def _for_some(collection: Collection, caller: Caller) -> list[Family]:
    return [
        family.of_models(lambda model_id: caller.may(Scope.METRICS_READ, model_id))
        if family.concerns_models
        else family
        for family in collection.families
        if family.concerns_models or family.name == _FOR_ALL
    ]
