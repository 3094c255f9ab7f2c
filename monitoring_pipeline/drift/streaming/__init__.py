"""Detectors that read a sequence of numbers and say where its level changed.

A sequence has one number per labelled row (hit or miss, absolute error, confidence, latency) or per hour. Everything
is a pure function of the sequence and the baseline, so a rerun gives the same alarms. :mod:`.settings` says what is
wanted, in rows between false alarms; :mod:`.baseline` what is normal; :mod:`.replay` runs a detector.

:mod:`.cusum` and :mod:`.page_hinkley` are our own, with limits from :mod:`.run_length` and :mod:`.schemes`;
:mod:`.adaptive` sets river's ADWIN, KSWIN, DDM and HDDM with parameters from the table in :mod:`.calibrated`.
"""
