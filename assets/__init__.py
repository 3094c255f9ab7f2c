"""Thin Dagster shells, one file per stage: they name partitions, call the stage and show what it did.

What is true without Dagster lives in ``monitoring_pipeline``; nothing is computed here.
"""
