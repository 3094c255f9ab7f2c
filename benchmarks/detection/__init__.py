"""How often drift is seen where it is, and where it is not: ``make bench-detection``.

:mod:`.streams` draws windows whose truth is known; every method judges the same ones. :mod:`.ours` is the only module
that calls this program, :mod:`.rivals` holds the usual tests and distances, written apart, and :mod:`.questions` asks
other libraries, which live in environments of their own (``make peers``). :mod:`.false_alarms` counts on streams that
do not change, :mod:`.power` on streams that do, and :mod:`.page` makes the tables of docs/explanation/detection.md.
"""
