"""Parameters of river's detectors for wanted run lengths: they have no formula, so they were found by simulation.

Each entry is one of a coarse grid at which streams of ten times the run length, drawn without any change and seeded,
raised no more than one alarm per run length. A stream starts as :func:`.replay.replay` does and goes on through its
alarms. ADWIN: normal, exponential, lognormal and Student-t values (after 1,000 others) and 0/1 values with 1 to 90 % of
ones; DDM and HDDM: 0/1 values with the largest share of ones of the entry, or smaller ones. The tests repeat the main
ones. KSWIN: normal values only, by a simulation of its statistic of 400 streams of 4,000 values; no test repeats it.
"""

from dataclasses import dataclass

from monitoring_pipeline.drift.streaming.settings import Detector

LONGEST_RUN_LENGTH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One calibrated parameter.

    Attributes:
        run_length: mean present values between false alarms, at least; of one side, if the detector has one only.
        proportion: the largest share of ones that it holds for.
        parameter: ADWIN's delta, KSWIN's alpha, DDM's drift level, HDDM's drift confidence.
    """

    run_length: int
    proportion: float
    parameter: float


ENTRIES: dict[Detector, tuple[Entry, ...]] = {
    Detector.ADWIN: (
        Entry(run_length=1_000, proportion=1.0, parameter=0.35),
        Entry(run_length=10_000, proportion=1.0, parameter=0.04),
    ),
    Detector.KSWIN: (
        Entry(run_length=1_000, proportion=1.0, parameter=0.003),
        Entry(run_length=10_000, proportion=1.0, parameter=0.00015),
    ),
    Detector.DDM: (
        Entry(run_length=2_000, proportion=1.0, parameter=2.1),
        Entry(run_length=20_000, proportion=1.0, parameter=2.25),
    ),
    Detector.HDDM_A: (
        Entry(run_length=2_000, proportion=0.1, parameter=0.06),
        Entry(run_length=2_000, proportion=1.0, parameter=0.02),
        Entry(run_length=20_000, proportion=0.1, parameter=0.013),
        Entry(run_length=20_000, proportion=1.0, parameter=0.0035),
    ),
    Detector.HDDM_W: (
        Entry(run_length=2_000, proportion=0.1, parameter=0.04),
        Entry(run_length=2_000, proportion=0.3, parameter=0.001),
        Entry(run_length=2_000, proportion=1.0, parameter=0.0003),
        Entry(run_length=20_000, proportion=0.1, parameter=0.015),
        Entry(run_length=20_000, proportion=0.3, parameter=0.00003),
        Entry(run_length=20_000, proportion=1.0, parameter=0.000008),
    ),
}
"""Per detector, shorter run lengths first and smaller proportions first: the first entry that suffices is taken."""


def parameter_for(detector: Detector, *, run_length: int, proportion: float) -> float:
    """The parameter for a run length, or the next longer in the table, and for a share of ones.

    >>> parameter_for(Detector.ADWIN, run_length=5_000, proportion=0.1)
    0.04

    Raises:
        ValueError: if the table holds no run length as long.
    """
    for entry in ENTRIES[detector]:
        if entry.run_length >= run_length and entry.proportion >= proportion:
            return entry.parameter
    raise ValueError(f"{detector} is calibrated for run lengths to {LONGEST_RUN_LENGTH}, not {run_length}")
