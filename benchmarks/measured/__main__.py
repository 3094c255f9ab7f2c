"""Run one function and write what it returned, with the peak memory of this process."""

import json
import resource
import sys
from importlib import import_module
from pathlib import Path


def main(function: str, arguments: str, result: str) -> None:
    """Call ``module.function`` of this package with the JSON object ``arguments``."""
    module, name = function.split(".")
    returned = getattr(import_module(f"benchmarks.measured.{module}"), name)(**json.loads(arguments))
    Path(result).write_text(json.dumps({**returned, "peak_memory_bytes": peak_memory_bytes()}))


def peak_memory_bytes() -> int:
    """The most memory this process ever held (Linux counts it in KiB, macOS in bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
