"""The home folder of a simulation: its own, and never anybody else's."""

import shutil
from pathlib import Path

from monitoring_pipeline.config.home import DEFAULT_HOME, Home
from monitoring_pipeline.errors import MonitorError

MARKER = "simulation.json"
"""Says that a folder is a simulation's, and which settings it was made with."""


def default_home(scenario_name: str) -> Path:
    """Where a simulation goes unless told otherwise: not under ``MONITOR_HOME``, which may be a real one."""
    return Path(DEFAULT_HOME) / "simulations" / scenario_name


def prepared_home(folder: Path, *, settings: str) -> Home:
    """An empty home folder marked as a simulation's; a simulation that was there is removed first.

    Args:
        folder: the home.
        settings: JSON to keep in the marker.

    Raises:
        MonitorError: if something is in the folder that no simulation wrote, or it cannot be used.
    """
    root = folder.resolve()
    if root.exists() and not root.is_dir():
        raise MonitorError(f"{folder} is not a folder; name another one with --home")
    if root.is_dir() and any(root.iterdir()):
        if not (root / MARKER).is_file():
            raise MonitorError(
                f"{folder} is not empty and not a simulation's (it has no {MARKER}), so nothing is written there; "
                "name another folder with --home"
            )
        _emptied(root)
    home = Home(root=root).ensure()
    (root / MARKER).write_text(settings, encoding="utf-8")
    return home


def _emptied(root: Path) -> None:
    """Remove what is in a simulation's folder; its marker last, so that an interrupted removal can be repeated."""
    for path in sorted(root.iterdir(), key=lambda path: path.name == MARKER):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
