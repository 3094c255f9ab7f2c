"""Concept drift: whether the relation between inputs and truth changed, apart from the inputs having changed.

Errors may grow because there are more of the hard rows, or because rows of the same kind are now missed by more.
Only the second is concept drift. :mod:`.labelled` holds inputs with errors; :mod:`.strata` learns from the reference
which rows are of a kind; :mod:`.decomposition` splits the change of the mean error; :mod:`.evidence` says how
surprising the change within kinds is; :mod:`.measure` puts them together; :mod:`.rules` names a kind in words.
"""
