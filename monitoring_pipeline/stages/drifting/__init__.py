"""Drift of a model's windows: what is compared, with which reference, and how the verdicts are published."""
