"""Drift that needs labels: of the truth itself, of the relation between inputs and truth, and of errors row by row.

:mod:`.outcomes` says which rows are labelled and by how much the model missed them; :mod:`.reference` what is compared
with; :mod:`.inputs` and :mod:`.concept` compare errors at equal inputs; :mod:`.level` and :mod:`.streams` read them one
by one; :mod:`.compared` puts one group beside the reference, and :mod:`.days` a day together; :mod:`.truth_drift` is
the stage.
"""
