"""Thin Dagster shells, one file per stage: they name partitions, call the stage and show what it did.

What is true without Dagster lives in ``monitoring_pipeline``; nothing is computed here.
"""

import warnings

import dagster as dg

# Backfill policies and owners are in beta; Dagster's minor version is pinned, and a user of the command line
# can do nothing about it but lose sight of what matters between dozens of such lines.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
