"""The decomposition itself, in fractions: no rounding until a part is written down.

For segments s with share w and mean m of a quantity, before (0) and after (1), and M the mean of all rows:

    M1 - M0 = Σ mix_s + Σ within_s
    mix_s    = (w1 - w0) · ((m0 + m1) / 2 - (M0 + M1) / 2)
    within_s = (w0 + w1) / 2 · (m1 - m0)

The overall midpoint (M0 + M1) / 2 leaves the sum as it is, since the shares sum to one in both windows. It makes mix
mean something for each segment: more rows of a segment that is worse than the rest raise an error, more rows of a
better one lower it. A segment without rows on one side has a mean on the other only: its midpoint is that mean, all of
it is mix, and the identity holds as before.

Source: E. M. Kitagawa, "Components of a difference between two rates", 1955; the symmetric form that needs no
interaction term.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from monitoring_pipeline.performance.root_cause.sample import Sample

WindowSamples = Mapping[str, Sample]
"""By segment: the values of those that have rows in the window."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactParts:
    """The means of the two windows, and the two parts of each segment, which sum to their difference exactly."""

    mean_before: Fraction
    mean_after: Fraction
    mix: Mapping[str, Fraction]
    within: Mapping[str, Fraction]

    @property
    def centre(self) -> Fraction:
        """The overall midpoint."""
        return (self.mean_before + self.mean_after) / 2


def exact_parts(before: WindowSamples, after: WindowSamples) -> ExactParts:
    """The parts of every segment that has rows in one of the windows; neither window may be without rows."""
    shares0, shares1 = _shares(before), _shares(after)
    mean0 = sum((shares0[segment] * sample.mean for segment, sample in before.items()), Fraction(0))
    mean1 = sum((shares1[segment] * sample.mean for segment, sample in after.items()), Fraction(0))
    mix, within = {}, {}
    for segment in sorted(before.keys() | after.keys()):
        w0, w1 = shares0.get(segment, Fraction(0)), shares1.get(segment, Fraction(0))
        m0 = (before.get(segment) or after[segment]).mean
        m1 = (after.get(segment) or before[segment]).mean
        mix[segment] = (w1 - w0) * ((m0 + m1) / 2 - (mean0 + mean1) / 2)
        within[segment] = (w0 + w1) / 2 * (m1 - m0)
    return ExactParts(mean_before=mean0, mean_after=mean1, mix=mix, within=within)


def _shares(window: WindowSamples) -> dict[str, Fraction]:
    count = sum(sample.count for sample in window.values())
    return {segment: Fraction(sample.count, count) for segment, sample in window.items()}
