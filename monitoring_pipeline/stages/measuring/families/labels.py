"""The family ``labels``: how late the truth came, and how often it was corrected or taken back."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from monitoring_pipeline.events.truth import is_retraction, read_history
from monitoring_pipeline.performance.labels.rows import NEVER, label_sums
from monitoring_pipeline.stages.measuring.families.family import Compute, Family, integers, is_known

LABELS = "labels"


def labels() -> Family:
    """Delays of truth."""

    def bind(table: pa.Table) -> Compute:
        predicted_at = integers(table, "predicted_at", missing=NEVER)
        first_known_at = integers(table, "first_actual_received_at", missing=NEVER)
        corrected, retracted = _corrected(table), (first_known_at >= 0) & ~is_known(table)
        return lambda g: label_sums(
            g.codes,
            len(g.keys),
            predicted_at=predicted_at,
            first_known_at=first_known_at,
            corrected=corrected,
            retracted=retracted,
        )

    return Family(name=LABELS, kind=LABELS, measured_as=LABELS, judges=False, bind=bind)


def _corrected(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Rows whose truth was given with more than one value."""
    corrected = np.zeros(table.num_rows, dtype=np.bool_)
    if "truth_history" not in table.column_names:
        return corrected
    histories = table["truth_history"]
    for row in np.flatnonzero(histories.is_valid().to_numpy()):
        told = {known[2:] for known in read_history(histories[int(row)].as_py()) if not is_retraction(known)}
        corrected[row] = len(told) > 1
    return corrected
