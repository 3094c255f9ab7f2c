"""The stages: each reads what the one before published, calls a pure room, and publishes in one transaction.

Every stage works on model-hours (or model-days) and follows one order: read the input revision, read the
data, compute, publish output and revision together. A stage is told the windows; it decides per model
whether there is work, so that work is proportional to what changed.
"""
