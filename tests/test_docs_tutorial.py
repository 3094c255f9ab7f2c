"""The tutorial's commands, run as they stand there, print what stands there."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.md"

# A block of commands, and what it prints if the next block is its output.
BLOCKS = re.compile(r"^```sh\n(.*?)^```\n(?:\n^```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def blocks() -> list[tuple[str, str]]:
    """Commands and output from the first numbered step on; before that the program is installed."""
    _, _, steps = TUTORIAL.read_text(encoding="utf-8").partition("\n## 1. ")
    return BLOCKS.findall(steps)


def comparable(output: str) -> list[str]:
    """Lines without the layout of tables and with every date the same: the tutorial is about yesterday."""
    lines = (" ".join(DATE.sub("DATE", line).replace("─", " ").split()) for line in output.splitlines())
    return [line for line in lines if line]


def run(script: str, folder: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MONITOR_", "DAGSTER_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-u", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_tutorials_commands_print_what_the_tutorial_shows(tmp_path: Path) -> None:
    steps = blocks()
    # One shell, because a step uses the variables of those before it.
    script = "\n".join(f"{commands}\necho '=== end of step'" for commands, _ in steps)

    printed = run(script, tmp_path).split("=== end of step\n")

    assert [comparable(text) for text in printed[: len(steps)]] == [comparable(shown) for _, shown in steps]


def test_the_tutorials_day_is_yesterday() -> None:
    command = re.search(r"^DAY=.*$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE)
    assert command is not None

    day = run(f"{command[0]}\necho $DAY", Path.cwd()).strip()

    assert 0 < (datetime.now(UTC).date() - datetime.fromisoformat(day).date()).days <= 2
