"""What is measured of a model's rows: families of sums, each with its columns bound and its settings named.

A family is what the results know it by; its *kind* (see :mod:`monitoring_pipeline.performance.registry`) is the
mathematics behind it. Only the family ``performance`` has a kind that depends on the model: its task.
"""

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.stages.measuring.families.business import business
from monitoring_pipeline.stages.measuring.families.family import Compute, Family
from monitoring_pipeline.stages.measuring.families.labels import labels
from monitoring_pipeline.stages.measuring.families.operations import operations
from monitoring_pipeline.stages.measuring.families.performance import performance

__all__ = ["Compute", "Family", "families", "kind_of"]


def families(model: Model) -> tuple[Family, ...]:
    """What is measured of a model.

    >>> [family.measured_as for family in families(Model(id="churn", task="binary", threshold=0.3))]
    ['binary at 0.3', 'operations, low confidence below 0.6', 'labels']
    """
    worth = () if model.business is None else (business(model, model.business),)
    return (performance(model), operations(model), labels(), *worth)


def kind_of(measured_as: str) -> str:
    """The kind of sums that were measured so: the first word of the settings.

    >>> kind_of("operations, low confidence below 0.6")
    'operations'
    """
    return measured_as.split(" ", 1)[0].rstrip(",")
