"""Names that MLflow accepts: letters, digits, ``_ - . /`` and spaces, at most 250 characters."""

import hashlib
import re

from monitoring_pipeline.performance.registry import TASKS, metric_names
from monitoring_pipeline.windows import from_micros

_REFUSED = re.compile(r"[^A-Za-z0-9_\-. ]+")

# MLflow allows 250 in all; three parts of this length and their prefixes stay below.
_LONGEST_PART = 70

OF_TASK = "performance"

_FAMILIES = {metric: OF_TASK for task in TASKS for metric in metric_names(task)} | {
    metric: family for family in ("labels", "business") for metric in metric_names(family)
}


def part(name: str) -> str:
    """One level of a name. A name that had to be changed carries a hash, so that no two become one.

    >>> part("distance")
    'distance'
    >>> part("a/b")
    'a-b-c14cddc0'
    """
    clean = _REFUSED.sub("-", name)[:_LONGEST_PART].strip()
    # A level of only dots would climb out of the path that MLflow makes of a name.
    if clean == name and clean.strip("."):
        return clean
    return f"{clean.strip('. ')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")


def family_of(metric: str) -> str:
    """What a metric is of: ``performance``, ``labels``, ``business`` or ``operations``; names are unique over them.

    Resources are named by the model's owners, so whatever no other family knows is of operations.

    >>> family_of("roc_auc"), family_of("label_correction_rate"), family_of("memory_mb_max")
    ('performance', 'labels', 'operations')
    """
    return _FAMILIES.get(metric, "operations")


def experiment_name(model_id: str) -> str:
    """The experiment that holds a model's days."""
    return f"monitoring/{part(model_id)}"


def day_name(day: int) -> str:
    """The run's name and tag: the ISO date."""
    return f"{from_micros(day):%Y-%m-%d}"
