"""What a model predicts."""

from enum import StrEnum


class Task(StrEnum):
    """What a model predicts."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"
    RANKING = "ranking"
