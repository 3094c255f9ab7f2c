"""What strikes about the features of one prediction, beside what its model declares: said to whoever logs it, at once.

It is a hint for the caller and no verdict: drift is a matter of many rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.config.models import Feature, FeatureType, Model


class InputRemark(StrEnum):
    """What strikes."""

    MISSING = "missing"
    UNDECLARED = "undeclared"
    BELOW_MIN = "below_min"
    ABOVE_MAX = "above_max"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRemark:
    """A remark on one feature; its value is not repeated."""

    feature: str
    remark: InputRemark


def input_remarks(model: Model | None, features: Mapping[str, object]) -> list[FeatureRemark]:
    """What strikes, by feature; nothing of a model that declares none."""
    if model is None or not model.features:
        return []
    found = [
        FeatureRemark(feature=name, remark=remark)
        for name, declared in model.features.items()
        for remark in _of_value(declared, features.get(name))
    ]
    undeclared = sorted(features.keys() - model.features.keys() - set(model.extra_fields))
    return [*found, *(FeatureRemark(feature=name, remark=InputRemark.UNDECLARED) for name in undeclared)]


def _of_value(declared: Feature, value: object) -> Iterator[InputRemark]:
    if value is None:
        if not declared.nullable:
            yield InputRemark.MISSING
        return
    if isinstance(value, int | float) and declared.type is FeatureType.NUMERIC:
        yield from _of_number(declared, value)
    elif declared.allowed is not None and str(value) not in declared.allowed:
        yield InputRemark.NOT_ALLOWED


def _of_number(declared: Feature, value: float) -> Iterator[InputRemark]:
    if declared.min is not None and value < declared.min:
        yield InputRemark.BELOW_MIN
    elif declared.max is not None and value > declared.max:
        yield InputRemark.ABOVE_MAX
