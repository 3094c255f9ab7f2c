"""The columns of each pipe: first those that the pipe always had, then what was added."""

from monitoring_pipeline.api.replies.reply import Column, Kind

_MODEL = (
    Column(name="model_id", kind=Kind.STRING, meaning="The model."),
    Column(name="model_version", kind=Kind.STRING, meaning="The version that predicted."),
    Column(name="environment", kind=Kind.STRING, meaning="Where it ran."),
)

PERFORMANCE = (
    *_MODEL,
    Column(name="prediction_count", kind=Kind.COUNT, meaning="All predictions, labelled or not."),
    Column(
        name="rmse",
        kind=Kind.FLOAT_OR_NULL,
        meaning="Root mean squared error of the labelled predictions; null if none is labelled.",
    ),
    Column(
        name="mae",
        kind=Kind.FLOAT_OR_NULL,
        meaning="Mean absolute error of the labelled predictions; null if none is labelled.",
    ),
    Column(name="period_start", kind=Kind.INSTANT, meaning="When the earliest prediction was made."),
    Column(name="period_end", kind=Kind.INSTANT, meaning="When the latest prediction was made."),
    Column(name="labelled_count", kind=Kind.COUNT, meaning="Predictions whose truth has arrived."),
    Column(name="coverage", kind=Kind.FLOAT, meaning="Their share of all predictions, 0 to 1."),
)

DRIFT = (
    # Both sides of the join have these three, so the query's result calls them by the side that they come from.
    *(
        Column(name=f"r.{column.name}", attribute=column.name, kind=column.kind, meaning=column.meaning)
        for column in _MODEL
    ),
    Column(name="recent_mae", kind=Kind.FLOAT_OR_NULL, meaning="Mean absolute error of the recent window."),
    Column(name="historical_mae", kind=Kind.FLOAT_OR_NULL, meaning="Mean absolute error of the time before it."),
    Column(
        name="drift_percentage",
        kind=Kind.FLOAT_OR_NULL,
        meaning="(recent - historical) / historical: 0.1 is ten percent worse; null without history.",
    ),
    Column(name="recent_count", kind=Kind.COUNT, meaning="Predictions of the recent window, labelled or not."),
    Column(name="historical_count", kind=Kind.COUNT, meaning="Predictions of the time before it."),
    Column(name="analysis_timestamp", kind=Kind.INSTANT, meaning="When this was computed."),
    *_MODEL,
    Column(
        name="drift_low",
        kind=Kind.FLOAT_OR_NULL,
        meaning="Where the 95 % interval of drift_percentage begins, if rows are independent of each other.",
    ),
    Column(name="drift_high", kind=Kind.FLOAT_OR_NULL, meaning="Where that interval ends."),
    Column(name="verdict", kind=Kind.STRING, meaning="drift, no_drift or not_enough_data."),
    Column(name="reason", kind=Kind.STRING, meaning="Why the verdict is what it is, in one word."),
    Column(name="recent_labelled_count", kind=Kind.COUNT, meaning="Recent predictions whose truth has arrived."),
    Column(name="historical_labelled_count", kind=Kind.COUNT, meaning="Earlier ones whose truth has arrived."),
)

DETAILS = (
    Column(name="timestamp", kind=Kind.INSTANT, meaning="When the prediction was made."),
    _MODEL[0],
    Column(name="prediction_id", kind=Kind.STRING, meaning="Its own id."),
    Column(name="features", kind=Kind.STRING, meaning="The inputs, as a text of JSON."),
    Column(name="predicted_value", kind=Kind.FLOAT_OR_NULL, meaning="The predicted number."),
    Column(name="actual_value", kind=Kind.FLOAT_OR_NULL, meaning="The true number, as it is known now."),
    *_MODEL[1:],
    Column(name="predicted_class", kind=Kind.STRING_OR_NULL, meaning="The predicted class, if it is one."),
    Column(name="actual_class", kind=Kind.STRING_OR_NULL, meaning="The true class, as it is known now."),
    Column(name="prediction_error", kind=Kind.FLOAT_OR_NULL, meaning="Predicted minus actual number."),
    Column(name="prediction_proba", kind=Kind.FLOAT_OR_NULL, meaning="Probability of the positive class."),
    Column(name="confidence", kind=Kind.FLOAT_OR_NULL, meaning="The model's own confidence."),
    Column(name="latency_ms", kind=Kind.FLOAT_OR_NULL, meaning="How long the prediction took."),
    Column(name="entity_id", kind=Kind.STRING_OR_NULL, meaning="What the prediction is about."),
)
