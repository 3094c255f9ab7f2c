"""The family ``operations``: how the model served, with or without truth."""

import pyarrow as pa

from monitoring_pipeline.config.models import Model
from monitoring_pipeline.performance.operations.rows import operations_sums
from monitoring_pipeline.stages.measuring.families.family import Compute, Family, floats
from monitoring_pipeline.stages.rows.columns import NUMERIC_PREFIX
from monitoring_pipeline.windows import HOUR_MICROS, SECOND_MICROS

OPERATIONS = "operations"


def operations(model: Model) -> Family:
    """Latency, throughput, confidence and the declared resources."""

    def bind(table: pa.Table) -> Compute:
        latency, confidence = floats(table, "latency_ms"), floats(table, "confidence")
        resources = {name: floats(table, NUMERIC_PREFIX + name) for name in model.resources}
        return lambda g: operations_sums(
            g.codes,
            len(g.keys),
            latency_ms=latency,
            confidence=confidence,
            low_confidence=model.low_confidence,
            resources=resources,
            window_seconds=HOUR_MICROS // SECOND_MICROS,
        )

    sampled = f", {', '.join(model.resources)}" if model.resources else ""
    measured_as = f"operations, low confidence below {model.low_confidence!r}{sampled}"
    return Family(name=OPERATIONS, kind=OPERATIONS, measured_as=measured_as, judges=False, bind=bind)
