"""What the performance on rows without truth probably is, learned from rows whose truth is known.

Confidence-based for yes/no models (:mod:`.confidence`), direct loss estimation for regressions (:mod:`.direct_loss`).
Neither can see concept drift: both take for granted that equal inputs still come to equal outcomes.
"""
