"""Values of declared features: brought to their declared type, or refused.

- numeric: a number; a text that writes one in full (``"17"``) is that number, ``true`` and ``false`` are 1 and 0.
- boolean: true or false; 0, 1 and the texts ``"True"``, ``"false"``, ``"1"`` … say the same.
- categorical, text and datetime features stay as they are.

Any other value is refused with the feature's name. To store it as unknown would hide a broken producer.
"""

from collections.abc import Callable, Mapping

from monitoring_pipeline.config.models import FeatureType, Model
from monitoring_pipeline.events import checks
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected

_PLAIN = {FeatureType.NUMERIC: (float, int), FeatureType.BOOLEAN: (bool,)}

TypedFeatures = Mapping[str, tuple[tuple[type, ...], Callable[[object, str], object]]]
"""By name: what needs no second look, and how to read anything else."""


def typed_features(model: Model | None) -> TypedFeatures:
    """The features of a model whose values are read by their type."""
    declared = {} if model is None else model.features
    readers = {FeatureType.NUMERIC: _numeric, FeatureType.BOOLEAN: _boolean}
    return {
        name: (_PLAIN[feature.type], readers[feature.type])
        for name, feature in declared.items()
        if feature.type in readers
    }


def as_declared(features: Mapping[str, object], typed: TypedFeatures) -> Mapping[str, object]:
    """The features with each value of its declared type; ``None`` is unknown and stays.

    Raises:
        Rejected: wrong_type, not_finite.
    """
    changed: dict[str, object] = {}
    for name, (plain, read) in typed.items():
        value = features.get(name)
        if value is not None and type(value) not in plain:
            changed[name] = read(value, f"features.{name}")
    return {**features, **changed} if changed else features


def _numeric(value: object, field: str) -> float:
    if isinstance(value, str):
        return checks.number_in(value, field=field)
    said = checks.yes_or_no(value)
    return checks.number(value, field=field) if said is None else float(said)


def _boolean(value: object, field: str) -> bool:
    said = checks.yes_or_no(value)
    if said is not None:
        return said
    if isinstance(value, float):
        checks.number(value, field=field)  # NaN is told as what it is
    found = f"{field} is {checks.kind_of(value)} that is neither true nor false, and is declared boolean"
    raise Rejected(QuarantineReason.WRONG_TYPE, field, found)
