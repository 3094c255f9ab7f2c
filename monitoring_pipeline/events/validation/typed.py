"""Values of declared features: brought to their declared type, or refused.

- numeric: a number; a text that writes one in full (``"17"``) is that number, ``true`` and ``false`` are 1 and 0.
- boolean: true or false; 0, 1 and the texts ``"True"``, ``"false"``, ``"1"`` … say the same.
- vector: a list of numbers, or the JSON text of one, as tables write it.
- categorical, text and datetime features stay as they are.

Any other value is refused with the feature's name. To store it as unknown would hide a broken producer.
"""

from collections.abc import Callable, Mapping

import orjson

from monitoring_pipeline.config.models import FeatureType, Model
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.validation import checks

_PLAIN: Mapping[FeatureType, tuple[type, ...]] = {
    FeatureType.NUMERIC: (float, int),
    FeatureType.BOOLEAN: (bool,),
    FeatureType.VECTOR: (),  # a list is looked into
}
_NUMBERS = {float, int}

TypedFeatures = Mapping[str, tuple[tuple[type, ...], Callable[[object, str], object]]]
"""By name: what needs no second look, and how to read anything else."""


def typed_features(model: Model | None) -> TypedFeatures:
    """The features of a model whose values are read by their type."""
    declared = {} if model is None else model.features
    readers = {FeatureType.NUMERIC: _numeric, FeatureType.BOOLEAN: _boolean, FeatureType.VECTOR: _vector}
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


def _vector(value: object, field: str) -> list[object]:
    found = _as_list(value)
    if found is None or not set(map(type, found)) <= _NUMBERS:
        what = checks.kind_of(value)
        raise Rejected(
            QuarantineReason.WRONG_TYPE, field, f"{field} is {what} that is no list of numbers, and is declared vector"
        )
    return found


def _as_list(value: object) -> list[object] | None:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    elif hasattr(value, "tolist"):  # numpy's arrays; it is not imported for their sake
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple) else None
