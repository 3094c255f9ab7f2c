"""Telling how far a long measurement has come, past the file that keeps what its process says."""

import os

from benchmarks.harness import PROGRESS


def tell(text: str) -> None:
    """Show a line to whoever waits, if anybody does."""
    if descriptor := os.environ.get(PROGRESS):
        os.write(int(descriptor), f"          {text}\n".encode())
