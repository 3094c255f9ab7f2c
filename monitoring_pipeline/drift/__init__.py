"""How far a window of inputs lies from the reference, and whether that is drift.

Pure mathematics on numpy arrays: no storage, no clock, no orchestration. :mod:`.reference` prepares what is
compared against, once; each measure has a file of its own (:mod:`.ks`, :mod:`.wasserstein`, :mod:`.psi`,
:mod:`.jensen_shannon`, :mod:`.chi2`); :mod:`.verdict` turns a measurement into a verdict with its reason;
:mod:`.evaluate` runs them all over one feature's window.
"""
