"""What is compared of a model: its features, and what it says."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.config.models import Feature, FeatureType, MinimumEffects, Model, Multivariate, Task
from monitoring_pipeline.drift.measurement import Measure
from monitoring_pipeline.drift.verdict import DriftCriteria, DriftType
from monitoring_pipeline.stages.rows.columns import FEATURE_PREFIX
from monitoring_pipeline.windows import Grain

PREDICTION = "(prediction)"
CONFIDENCE = "(confidence)"
INPUTS_TOGETHER = "(inputs together)"
TIES_BETWEEN_INPUTS = "(ties between inputs)"
"""What results call the outputs, and all inputs at once: features are identifiers, which have no parentheses."""


class Form(StrEnum):
    """How a subject's values are read."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    TEXT = "text"
    INSTANT = "datetime"
    VECTOR = "vector"
    ROWS = "rows"  # of several inputs, told apart
    TIES = "ties"  # between several inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One thing whose distribution is compared with the reference's.

    Attributes:
        name: what results call it.
        drift_type: what it means if it moved.
        form: how its values are read.
        column: where hour files keep it; nowhere, if it is several inputs together.
        file_column: where a reference file keeps it.
        optional: whether a reference file may lack it; it is then not measured.
        parts: the inputs that are looked at together; none for a subject with a column of its own.
    """

    name: str
    drift_type: DriftType
    form: Form
    column: str = ""
    file_column: str = ""
    optional: bool = False
    parts: tuple["Subject", ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of hour files that it needs."""
        return tuple(part.column for part in self.parts) or (self.column,)


_FORMS = {
    FeatureType.NUMERIC: Form.NUMERIC,
    FeatureType.CATEGORICAL: Form.CATEGORICAL,
    FeatureType.BOOLEAN: Form.BOOLEAN,
    FeatureType.TEXT: Form.TEXT,
    FeatureType.DATETIME: Form.INSTANT,
    FeatureType.VECTOR: Form.VECTOR,
}
# What can be a column of a table of inputs: texts, instants and vectors have no single value that others go with.
_TABULAR = {Form.NUMERIC, Form.CATEGORICAL, Form.BOOLEAN}
_TOGETHER = {
    Multivariate.DOMAIN_CLASSIFIER: (INPUTS_TOGETHER, Form.ROWS),
    Multivariate.RECONSTRUCTION: (TIES_BETWEEN_INPUTS, Form.TIES),
}
# What a model says, by its task; a ranking's scores are its predicted values.
_OUTPUTS = {
    Task.REGRESSION: (Form.NUMERIC, "predicted_value"),
    Task.BINARY: (Form.NUMERIC, "prediction_proba"),
    Task.MULTICLASS: (Form.CATEGORICAL, "predicted_class"),
    Task.RANKING: (Form.NUMERIC, "predicted_value"),
}


def input_subjects(model: Model) -> Iterator[Subject]:
    """The declared features that drift is measured on."""
    for name, feature in model.features.items():
        if feature.drift is not False:
            yield Subject(
                name=name,
                drift_type=DriftType.DATA,
                form=_FORMS[feature.type],
                column=FEATURE_PREFIX + name,
                file_column=name,
            )


def joint_subjects(model: Model, grain: Grain) -> Iterator[Subject]:
    """All numeric, categorical and boolean inputs together, of whole days, as the model asks for; there must be two."""
    if grain is not Grain.DAY:
        return
    parts = tuple(subject for subject in input_subjects(model) if subject.form in _TABULAR)
    for name, form in (_TOGETHER[look] for look in model.drift.multivariate if len(parts) > 1):
        yield Subject(name=name, drift_type=DriftType.DATA, form=form, parts=parts)


def output_subjects(model: Model) -> Iterator[Subject]:
    """The model's predictions and how sure it says it is."""
    form, column = _OUTPUTS[model.task]
    for name, form_, column_ in ((PREDICTION, form, column), (CONFIDENCE, Form.NUMERIC, "confidence")):
        yield Subject(
            name=name,
            drift_type=DriftType.PREDICTION,
            form=form_,
            column=column_,
            file_column=column_,
            optional=True,
        )


def criteria(model: Model, subject: Subject) -> DriftCriteria:
    """What the subject is measured by: its own declaration first, then the model's, then the measures' defaults."""
    feature = model.features.get(subject.name) if subject.drift_type is DriftType.DATA else None
    own = _declared(feature)
    effects = {**model.drift.minimum_effects, **({} if own is None else own.minimum_effects)}
    # The G-test has the effect of chi².
    effects.setdefault(Measure.G_TEST, effects.get(Measure.CHI2, DriftCriteria().minimum_effect(Measure.G_TEST)))
    measures = (own.measures if own is not None else None) or model.drift.measures
    return DriftCriteria(
        min_samples=model.drift.min_samples,
        minimum_effects=effects,
        **({} if measures is None else {"measures": tuple(measures)}),
    )


def _declared(feature: Feature | None) -> MinimumEffects | None:
    return None if feature is None or isinstance(feature.drift, bool) else feature.drift
