"""Failure scenarios to test monitoring with: what happens, and when, is known; what the monitor says of it is asked.

One scenario per file; :mod:`.registry` holds them all. Rows are made by pure functions of the settings and the seed
(:mod:`.rows`, :mod:`.ticks`), and go through the real ingest and pipeline in a home folder of their own (:mod:`.run`).
"""

from monitoring_pipeline.simulation.scenarios.registry import SCENARIOS, scenario_named
from monitoring_pipeline.simulation.scenarios.run import simulate

__all__ = ["SCENARIOS", "scenario_named", "simulate"]
