"""Mean and deviation of a mean square gap between two samples of a distribution with ties.

With ties the gap is read at few points only, each with the weight of all its rows. Then the statistic
``Σ p_k a_k B(U_k)²`` of a Brownian bridge B has other moments than the integral, those of a single square where two
values make up a feature: taken for the integral it would raise false alarms. Its tail in units of its own
deviation, though, falls almost as the integral's does, so that two moments suffice to bring one to the other.
"""

import numpy as np

from monitoring_pipeline.drift.arrays import Floats


def tied_moments(shares: Floats, weights: Floats) -> tuple[float, float]:
    """Mean and standard deviation of ``Σ w_k B(U_k)²``, in time linear in the points.

    Args:
        shares: U_k, ascending, inside (0, 1).
        weights: w_k, not negative.

    >>> [round(moment, 6) for moment in tied_moments(np.array([0.5]), np.array([4.0]))]  # of one squared normal
    [1.0, 1.414214]
    """
    rest = 1.0 - shares
    mean = float(np.sum(weights * shares * rest))
    # Twice the squared covariances (u (1 - v))², u < v, of all pairs, each pair from both sides.
    before = np.concatenate(([0.0], np.cumsum(weights * shares**2)[:-1]))
    pairs = float(np.sum(weights * rest**2 * before))
    same = float(np.sum((weights * shares * rest) ** 2))
    return mean, float(np.sqrt(2.0 * (same + 2.0 * pairs)))
