"""What a transaction made of the truth about predictions."""

from typing import NamedTuple

from monitoring_pipeline.events.schema import Prediction
from monitoring_pipeline.events.truth import Statement


class Made(NamedTuple):
    """What an error needs of a prediction that is stored; its fields are called as in :class:`.Prediction`."""

    predicted_at: int
    model_version: str
    environment: str
    predicted_value: float | None


class Change(NamedTuple):
    """What a transaction made of the truth about one prediction; ``None`` where nothing is said."""

    made: Made | Prediction | None  # None: the prediction is not known
    before: Statement | None
    after: Statement | None
