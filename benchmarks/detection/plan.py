"""How much is drawn at which scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.detection.false_alarms import Sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run consists of.

    Attributes:
        false_alarms: what stands still; detection is measured at those sizes that ``streams_of_rows`` names, with
            the first reference size that has them.
        streams_of_rows: streams of each reference, by the rows of a window.
        peer_windows: how many windows that stand still a peer is given of each reference at most,
        peer_rows: and how many rows of each column altogether, because some are slow.
    """

    false_alarms: tuple[Sizes, ...]
    streams_of_rows: Mapping[int, int]
    peer_windows: int
    peer_rows: int

    def streams(self, sizes: Sizes) -> Sizes | None:
        """The changing streams that belong to windows that stand still."""
        if sizes.rows not in self.streams_of_rows or sizes.reference_rows != self.false_alarms[0].reference_rows:
            return None
        return Sizes(
            references=sizes.references,
            reference_rows=sizes.reference_rows,
            windows=self.streams_of_rows[sizes.rows],
            rows=sizes.rows,
        )

    def of_peers(self, sizes: Sizes) -> Sizes:
        """What of the windows that stand still peers are given: as many references, fewer windows of each."""
        wanted = self.peer_rows // (sizes.rows * sizes.references)
        return Sizes(
            references=sizes.references,
            reference_rows=sizes.reference_rows,
            windows=max(1, min(sizes.windows, self.peer_windows, wanted)),
            rows=sizes.rows,
        )

    def asked_of(self, sizes: Sizes, peers: Sequence[str]) -> list[str]:
        """Which peers are given these sizes: one that judges the whole reference in chunks only the smaller one."""
        smallest = self.false_alarms[0].reference_rows
        return [peer for peer in peers if peer not in CHUNKING or sizes.reference_rows == smallest]


# 1,667 chunks of 30 rows before the first window is looked at: a quarter of an hour for one size.
CHUNKING = {"NannyML"}

REFERENCES = 25


def _stationary(reference_rows: int) -> tuple[Sizes, ...]:
    # At 100,000 rows 500 windows would take longer than all the rest.
    windows_of_rows = {30: 20, 50: 20, 100: 20, 200: 20, 500: 20, 5_000: 20, 100_000: 4}
    return tuple(
        Sizes(references=REFERENCES, reference_rows=reference_rows, windows=windows, rows=rows)
        for rows, windows in windows_of_rows.items()
    )


PLANS = {
    "full": Plan(
        false_alarms=(*_stationary(5_000), *_stationary(50_000)),
        streams_of_rows={30: 8, 100: 8, 500: 8, 5_000: 2},
        peer_windows=8,
        peer_rows=2_500_000,
    ),
    "quick": Plan(
        false_alarms=tuple(Sizes(references=4, reference_rows=2_000, windows=10, rows=rows) for rows in (30, 100, 500)),
        streams_of_rows={100: 4},
        peer_windows=4,
        peer_rows=20_000,
    ),
    "tiny": Plan(
        false_alarms=(Sizes(references=2, reference_rows=500, windows=2, rows=50),),
        streams_of_rows={50: 1},
        peer_windows=1,
        peer_rows=5_000,
    ),
}
