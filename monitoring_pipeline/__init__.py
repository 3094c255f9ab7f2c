"""Know, every hour, how good production models really are, while the truth arrives late.

This package is everything that is true without Dagster; ``assets/`` and ``resources/`` are the thin
Dagster shells on top of it, put together in :mod:`monitoring_pipeline.definitions`.
"""
