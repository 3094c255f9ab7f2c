"""A family of series as a plain value: one name, one meaning, labels of which there are never too many."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

MODEL = "model_name"
"""The label of a model, the same in every family."""

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """One histogram: how many values were at most each edge, the last of which is ``+Inf``, and their sum."""

    cumulative: Sequence[tuple[str, float]]
    total: float

    @property
    def series(self) -> int:
        """As how many series it is shown: with its sum and its count."""
        return len(self.cumulative) + 2


Sample = tuple[Labels, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One family.

    Args:
        name: as it is shown; that of a counter ends in ``_total``.
        meaning: one sentence for people.
        labels: the names of the labels.
        samples: values by labels, the most important first: the last ones go if there are too many.
        histograms: in place of samples; not ``None`` makes it a family of histograms.
        most: series that are shown.
    """

    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    samples: Sequence[Sample] = ()
    histograms: Sequence[tuple[Labels, Buckets]] | None = None
    most: int

    @property
    def concerns_models(self) -> bool:
        """Whether each of its series is about one model."""
        return MODEL in self.labels

    def capped(self) -> tuple["Family", int]:
        """The family within its bound, and how many series that cost."""
        if self.histograms is None:
            return replace(self, samples=self.samples[: self.most]), max(0, len(self.samples) - self.most)
        room = list(accumulate(histogram.series for _, histogram in self.histograms))
        kept = bisect_right(room, self.most)
        lost = room[-1] - (room[kept - 1] if kept else 0) if room else 0
        return replace(self, histograms=self.histograms[:kept]), lost

    def of_models(self, may: Callable[[str], bool]) -> "Family":
        """The series of those models only that somebody may read."""
        place = self.labels.index(MODEL)
        if self.histograms is None:
            return replace(self, samples=[sample for sample in self.samples if may(sample[0][place])])
        return replace(self, histograms=[histogram for histogram in self.histograms if may(histogram[0][place])])

    def as_metric(self) -> Metric:
        """The family as the Prometheus client writes it."""
        if self.histograms is not None:
            shown = HistogramMetricFamily(self.name, self.meaning, labels=self.labels)
            for labels, histogram in self.histograms:
                shown.add_metric(list(labels), list(histogram.cumulative), histogram.total)
            return shown
        kind = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        family = kind(self.name, self.meaning, labels=self.labels)
        for labels, value in self.samples:
            family.add_metric(list(labels), value)
        return family
