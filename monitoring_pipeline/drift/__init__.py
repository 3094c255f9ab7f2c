"""How far a window of inputs lies from the reference, and whether that is drift.

Pure mathematics on numpy arrays: no storage, no clock, no orchestration.

- :mod:`.reference` prepares what is compared against, once; :mod:`.comparable` compares like with like in time;
- :mod:`.measures` holds one file for each measure, :mod:`.laws` what each is when nothing has changed;
- :mod:`.evaluate` runs the measures over one feature's window, :mod:`.looks` looks at small windows twice, and
  :mod:`.judge` turns all features of a window into verdicts with their reasons;
- :mod:`.time_structure` says what the rows of an hour or day are worth;
- :mod:`.derived` and :mod:`.multivariate` make comparable columns of texts, vectors, instants and of all inputs;
- :mod:`.concept` says whether the relation between inputs and truth changed;
- :mod:`.streaming` follows a sequence of values, row by row.
"""
