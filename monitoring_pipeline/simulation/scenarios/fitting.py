"""A scenario on rows that have other features than the invented shop."""

from dataclasses import fields, replace

import numpy as np

from monitoring_pipeline.config.models import FeatureType
from monitoring_pipeline.simulation.scenarios.columns import profiles_of
from monitoring_pipeline.simulation.scenarios.population import Population
from monitoring_pipeline.simulation.scenarios.rows import PROFILE_ROWS
from monitoring_pipeline.simulation.scenarios.scenario import Scenario


def fitted(scenario: Scenario, population: Population) -> Scenario:
    """The scenario on the first feature that it can be applied on, where its own default is not there.

    Numbers come before other features, each in the order of their names. A feature that somebody named stays, there or
    not.
    """
    [default] = [field.default for field in fields(scenario) if field.name == "feature"]
    profiles = profiles_of(population.draw(PROFILE_ROWS, np.random.default_rng(scenario.seed)))
    suitable = [name for name, profile in profiles.items() if scenario.accepts(profile)]
    if scenario.feature != default or default in profiles or not suitable:
        return scenario
    return replace(
        scenario,
        feature=min(suitable, key=lambda name: (profiles[name].kind is not FeatureType.NUMERIC, name)),
    )
