"""What the reference's own hours and days say about chance: rows of one window are not independent draws.

All rows of an hour share its weather, and night is not day. A test that takes rows as independent calls the first
storm drift, and every night too. :mod:`.season` says which hours are alike and are compared with each other;
:mod:`.window_counts` counts a feature per window; :mod:`.intraclass` measures from those counts how alike the rows
of a window are, beyond its season; :mod:`.choice` takes the season that makes comparisons sharpest; :mod:`.effective`
turns that into the rows that a sample is worth (:class:`~monitoring_pipeline.drift.sizes.Sizes`); and
:mod:`.structure` holds it all.

A window's number is its start divided by the grain's length: hours or days since 1970, UTC.
"""
