"""References made ready for comparison: one module for each way that a subject's values become comparable."""
