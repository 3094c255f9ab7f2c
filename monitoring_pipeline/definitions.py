"""The composition root: the one module that puts the library and the Dagster shells together.

Dagster loads :func:`defs` (see ``workspace.yaml``); tests and the command line call
:func:`build_definitions` with an installation of their own and swap parts without patching anything.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from assets import (
    alerts,
    data_quality,
    drift,
    estimates,
    findings,
    joined_predictions,
    logged_predictions,
    mlflow_runs,
    performance,
    truth_drift,
)
from assets.delivery import deliver_notifications
from assets.failures import announce_run_failure, run_failures
from assets.housekeeping import daily_housekeeping, housekeeping
from assets.instance import open_instance
from assets.jobs import JOBS
from assets.partitions import partitions_for
from assets.reconcile import ReconcileReport, reconcile
from assets.requests import DueRun
from assets.sensors import alert_notifications, due_partitions
from assets.sources import pull_sources, source_pulls
from assets.touched import touched_hours
from monitoring_pipeline.installation import Installation, open_installation
from resources.installation import installation_resources


def build_definitions(installation: Installation | None = None) -> dg.Definitions:
    """A fresh ``Definitions``.

    Args:
        installation: the one to run on; by default the one that the environment names.
    """
    here = open_installation() if installation is None else installation
    partitions = partitions_for(here.pipeline.span)
    return dg.Definitions(
        assets=[
            logged_predictions.build(partitions),
            joined_predictions.build(partitions),
            data_quality.build(partitions),
            *performance.build(partitions),
            estimates.build(partitions),
            *drift.build(partitions),
            truth_drift.build(partitions),
            *findings.build(partitions),
            mlflow_runs.build(partitions),
            alerts.alerts,
        ],
        jobs=[*JOBS, touched_hours, deliver_notifications, announce_run_failure, housekeeping, pull_sources],
        schedules=[daily_housekeeping],
        sensors=[due_partitions, alert_notifications, source_pulls, run_failures],
        resources=installation_resources(here),
        executor=dg.in_process_executor,
    )


Reconcile = Callable[[Callable[[DueRun], None]], ReconcileReport]
"""Runs everything that is due; is told what to do before each run."""


@contextmanager
def reconciler(installation: Installation) -> Iterator[Reconcile]:
    """What brings an installation up to date in this process, recorded in its Dagster instance."""
    definitions = build_definitions(installation)
    with open_instance(installation.home) as instance:
        yield lambda on_run: reconcile(definitions, installation, instance, on_run=on_run)


def prepare_instance(installation: Installation) -> None:
    """Make the Dagster instance's storage; to be done once, before several processes open it."""
    with open_instance(installation.home):
        return


@dg.definitions
def defs() -> dg.Definitions:
    """What ``workspace.yaml`` loads."""
    return build_definitions()
