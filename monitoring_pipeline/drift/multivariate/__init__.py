"""All inputs of a model at once: what no single feature shows.

:mod:`.table` says what a table of inputs is; :mod:`.encode` makes it a matrix; :mod:`.pca` finds rows in which the
inputs no longer go together; :mod:`.domain_classifier` finds any difference that lets trees tell a window's rows from
the reference's, and names the features that do.
"""
