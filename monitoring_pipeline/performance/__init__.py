"""How good a model was: mergeable sums of an hour's rows, and metrics as functions of those sums.

Pure mathematics on numpy arrays: no storage, no clock, no orchestration. Each kind of sums has a room: ``sums`` says
what is kept, ``rows`` makes it from rows, ``metrics`` turns it into values with intervals, or into the reason why there
is none. :mod:`.mergeable` holds the quantities that sums consist of, :mod:`.registry` all kinds with their metrics.
"""
