"""Who does something at the command line."""

import getpass
import os
from typing import Annotated

import typer


def whoever_this_is() -> str:
    """The name of the person at the command line, as far as the machine knows it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        return f"user {os.getuid()}"


ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who does this; whoever is logged in if left out.")
]
