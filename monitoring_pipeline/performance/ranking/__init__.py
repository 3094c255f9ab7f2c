"""Models that put the items of a query in order."""
