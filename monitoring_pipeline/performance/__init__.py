"""How good a model was: mergeable sums of an hour's rows, and metrics as functions of those sums.

Pure mathematics on numpy arrays: no storage, no clock, no orchestration. :mod:`.group` makes sums from rows,
:mod:`.sums` stores and merges them, :mod:`.metrics` turns them into values with intervals, or into the reason
why there is none.
"""
