"""Concept drift: whether the relation between inputs and truth changed, apart from the inputs having changed.

Errors may grow because there are more of the hard rows, or because rows of the same kind are now missed by more.
Only the second is concept drift. :mod:`.labelled` holds inputs with errors; :mod:`.strata` learns from the reference
which rows are of a kind, and :mod:`.balance` which are alike within it; :mod:`.decomposition` splits the change of the
mean error; :mod:`.leaf_changes` says how large it is in each leaf, :mod:`.evidence` how surprising it is within kinds;
:mod:`.measure` puts them together; :mod:`.rules` names a leaf in words.
"""
