"""The text of each view. ``@word(expression)`` is said in the words of the database, see :mod:`.sql_views`."""

# The truth that holds now is found by the rule of ``monitoring_pipeline.events.truth``: copies of a statement count
# once, with their earliest knowledge time; the statement known last holds, and a retraction has no value. Found for
# each prediction by the actuals' primary key, so that a query for few predictions reads few actuals. Of statements that
# were known and observed at the same instants, their JSON texts decide; the last three lines order as those texts do
# (but for numbers of such statements beyond 1e15 or below 1e-4, which each database writes in its own way).
PREDICTIONS = """\
CREATE VIEW ml_model_predictions AS
SELECT
  p.prediction_id,
  p.model_id,
  p.entity_id,
  @json(p.features) AS features,
  @exact(p.predicted_value) AS prediction,
  @exact(p.prediction_proba) AS prediction_proba,
  @exact(a.actual_value) AS actual,
  @exact(p.predicted_value) - @exact(a.actual_value) AS prediction_error,
  p.latency_ms,
  @instant(p.predicted_at) AS predicted_at,
  p.predicted_class,
  a.actual_class,
  p.model_version,
  p.environment,
  p.confidence,
  p.predicted_at AS predicted_at_micros
FROM predictions AS p
LEFT JOIN actuals AS a
  ON a.model_id = p.model_id
  AND a.prediction_id = p.prediction_id
  AND a.revision = (
    SELECT MIN(said.revision)
    FROM actuals AS said
    WHERE said.model_id = p.model_id AND said.prediction_id = p.prediction_id
    GROUP BY said.observed_at, said.actual_value, said.actual_class
    ORDER BY
      MIN(said.received_at) DESC,
      COALESCE(said.observed_at, -1) DESC,
      CASE WHEN said.actual_value IS NOT NULL THEN 0 WHEN said.actual_class IS NOT NULL THEN 1 ELSE 2 END DESC,
      (CAST(said.actual_value AS text) || ',') @bytewise() DESC,
      said.actual_value DESC,
      (REPLACE(REPLACE(said.actual_class, '\\', '\\\\'), '"', '\\"') || '"') @bytewise() DESC
    LIMIT 1
  )
"""

# One row per model, day and metric: of the version with the most predictions of the day, in production where the model
# has rows there, else in any environment. Ties go to the first environment and the last version by name.
METRICS = """\
CREATE VIEW ml_model_metrics AS
SELECT
  m.model_id || '/' || m.window_start || '/' || m.metric AS metric_id,
  m.model_id,
  @date(m.window_start) AS metric_date,
  m.metric AS metric_name,
  m.value AS metric_value,
  (
    SELECT @boolean(MAX(CASE WHEN f.verdict = 'breach' THEN 1 ELSE 0 END))
    FROM findings AS f
    WHERE f.known_to IS NULL
      AND f.model_id = m.model_id
      AND f.grain = 'day'
      AND f.window_start = m.window_start
      AND f.model_version = m.model_version
      AND f.environment = m.environment
      AND f.segment = 'all'
      AND f.metric = m.metric
      AND f.verdict IN ('breach', 'ok')
  ) AS threshold_breached,
  m.lower,
  m.upper,
  m.undefined_reason,
  m.prediction_count,
  m.labelled_count,
  m.model_version,
  m.environment
FROM metrics AS m
JOIN (
  SELECT
    model_id,
    window_start,
    model_version,
    environment,
    ROW_NUMBER() OVER (
      PARTITION BY model_id, window_start
      ORDER BY
        CASE WHEN environment = 'production' THEN 0 ELSE 1 END,
        MAX(prediction_count) DESC,
        environment @bytewise(),
        model_version @bytewise() DESC
    ) AS place
  FROM metrics
  WHERE known_to IS NULL AND grain = 'day' AND segment = 'all'
  GROUP BY model_id, window_start, model_version, environment
) AS chosen
  ON chosen.place = 1
  AND chosen.model_id = m.model_id
  AND chosen.window_start = m.window_start
  AND chosen.model_version = m.model_version
  AND chosen.environment = m.environment
WHERE m.known_to IS NULL AND m.grain = 'day' AND m.segment = 'all'
"""

# The join makes the view read-only: PostgreSQL lets people write through views of a single table.
DRIFT_ALERTS = """\
CREATE VIEW ml_drift_alerts AS
SELECT
  a.alert_id,
  a.model_id,
  CASE a.metric
    WHEN 'drifted_features' THEN 'data_drift'
    WHEN 'prediction_drift' THEN 'prediction_drift'
    ELSE 'concept_drift'
  END AS drift_type,
  a.severity,
  @instant(a.opened_at) AS detected_at,
  a.state,
  a.metric,
  a.model_version,
  a.environment,
  a.segment,
  a.grain,
  @instant(a.window_start) AS window_start
FROM alerts AS a
CROSS JOIN (SELECT 1 AS one) AS read_only
WHERE a.state NOT IN ('retracted', 'withdrawn')
  AND a.metric IN (
    'drifted_features', 'prediction_drift', 'label_drift', 'concept_drift', @performance_metrics()
  )
"""

ACCURACY_DAILY = """\
CREATE VIEW v_model_accuracy_daily AS
SELECT
  model_id,
  @date(predicted_at_micros) AS date,
  COUNT(*) AS predictions,
  AVG(ABS(prediction_error)) AS mae,
  SQRT(AVG(prediction_error * prediction_error)) AS rmse,
  100 * AVG(ABS(prediction_error / NULLIF(actual, 0))) AS mape
FROM ml_model_predictions
WHERE actual IS NOT NULL
GROUP BY model_id, @date(predicted_at_micros)
"""

PREDICTION_LOGS = """\
CREATE VIEW prediction_logs AS
SELECT
  p.prediction_id,
  p.model_id,
  COALESCE(@input_text(p.features), @text(p.features)) AS input_text,
  p.predicted_class AS predicted_sentiment,
  p.confidence AS confidence_score,
  p.latency_ms,
  @instant(p.predicted_at) AS predicted_at,
  p.model_version,
  p.environment,
  p.predicted_at AS predicted_at_micros
FROM predictions AS p
CROSS JOIN (SELECT 1 AS one) AS read_only
"""
