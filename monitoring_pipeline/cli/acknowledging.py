"""``monitor alerts acknowledge``: somebody takes note of an alert."""

from typing import Annotated

import typer

from monitoring_pipeline.alerts.handling.acknowledge import acknowledge
from monitoring_pipeline.cli.options import ConfigOption, JsonOption
from monitoring_pipeline.cli.output import print_json, say
from monitoring_pipeline.cli.who import ByOption, whoever_this_is
from monitoring_pipeline.installation import open_installation


def acknowledge_command(
    alert_id: Annotated[
        str, typer.Argument(metavar="ALERT_ID", help="As list --json prints it; its first 6 digits or more will do.")
    ],
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What to say about it.")] = None,
    by: ByOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor alerts acknowledge 6bdebf61 --note "the storm of 24 June"

    Take note of an alert as it stands. When it changes again that is news, and nobody has taken note of it.
    Who did so first for its last event stays on record.
    """
    installation = open_installation(config)
    who = by or whoever_this_is()
    told = acknowledge(installation.engine, alert_id, by=who, clock=installation.clock, note=note)
    if as_json:
        print_json([told])
    else:
        say(f"alert {told['alert_id']} is acknowledged up to event {told['sequence']} by {told['acknowledged_by']}")
