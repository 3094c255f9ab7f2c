"""Writes the generated pages of the reference: ``make docs``. With ``--check`` it only says which are out of date.

``cli.md`` comes from the commands' own help, ``config.md`` from the models of ``monitoring.yaml``, ``events.md`` from
the fields that ingest knows, ``results.md`` from the enumerations and the registry of metrics. What no code says (the
meaning of a key) stands in the modules of meanings; a key without a meaning, or a meaning without a key, is an error.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cli_page
import config_page
import events_page
import results_page

FOLDER = Path(__file__).parent

PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page.render,
    "config.md": config_page.render,
    "events.md": events_page.render,
    "results.md": results_page.render,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them; the exit code."""
    stale = [name for name, render in PAGES.items() if _stored(name) != render()]
    if "--check" in arguments:
        if stale:
            sys.stderr.write(f"out of date: {', '.join(stale)}; run `make docs`\n")
        return 1 if stale else 0
    for name in stale:
        (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
        sys.stderr.write(f"wrote {name}\n")
    return 0


def _stored(name: str) -> str | None:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
