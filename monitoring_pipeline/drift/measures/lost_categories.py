"""Lost categories: what was common in the reference and is absent from the window."""

from collections.abc import Mapping

import numpy as np

from monitoring_pipeline.drift.cells import FEWEST_EXPECTED_ROWS
from monitoring_pipeline.drift.laws.absence import Absence
from monitoring_pipeline.drift.measurement import Measurement
from monitoring_pipeline.drift.sizes import Sizes


def measure(reference: Mapping[str, float], window: Mapping[str, int], *, sizes: Sizes, alpha: float) -> Measurement:
    """The share of the reference's rows in common categories that the window lacks, and whether chance explains it.

    In [0, 1]. Common is a category of which both samples together let expect five rows in the window; a rarer one is
    missed by many windows and says nothing. The p-value (:mod:`..laws.absence`) bounds the probability that so many
    rows, or one category so large, all lie in the reference; it is valid for any number of categories, and cautious: on
    Zipf-distributed categories, 20 to 10,000 of them, false alarms in simulation are 0 to 0.8 times alpha from 30 rows
    up.

    It cannot see a category that has become rare but still occurs, nor the loss of rare ones.

    Args:
        reference: rows per category; not whole if the reference was reweighted.
        window: rows per category.
        sizes: how many independent rows both are worth; below the rows if they come in clusters.
        alpha: false-alarm probability of this test, in (0, 1).

    >>> outage = measure({"a": 800, "b": 200}, {"a": 100}, sizes=Sizes(reference=1000, window=100), alpha=0.001)
    >>> outage.value, outage.p_value < 1e-6
    (0.2, True)
    """
    n, m = sum(window.values()), sum(reference.values())
    if min(n, m) <= 0:
        return Measurement(value=0.0, p_value=1.0, noise_limit=0.0, detectable=None)
    worth = (sizes.reference + sizes.window) / (n + m)
    share = sizes.reference / (sizes.reference + sizes.window)
    common = {
        name: together
        for name in reference.keys() | window.keys()
        if (together := reference.get(name, 0) + window.get(name, 0)) * worth * (1.0 - share) >= FEWEST_EXPECTED_ROWS
    }
    lost = [together for name, together in common.items() if window.get(name, 0) <= 0]
    absence = Absence.of(np.array(sorted(common.values()), dtype=np.float64), worth=worth, share=share)
    limit = absence.limit(sizes.level(alpha)) / worth / m
    return Measurement(
        value=min(1.0, sum(sorted(lost)) / m),
        p_value=sizes.p_value(absence.p_value(sum(sorted(lost)) * worth, max(lost, default=0) * worth)),
        noise_limit=limit,
        detectable=limit if common and limit < 1.0 else None,
    )
