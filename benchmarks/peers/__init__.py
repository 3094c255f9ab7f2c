"""Other libraries that measure drift, each in an environment of its own: ``make peers``.

None of them installs beside this project, so each is asked through files, by a worker script that imports only it.
This module imports nothing heavy (see :mod:`benchmarks.harness`).
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, BenchmarkError

ENVIRONMENTS = ROOT / ".venv-peers"
PEERS = {"Evidently": "evidently", "NannyML": "nannyml"}


def installed() -> list[str]:
    """The peers that ``make peers`` has installed."""
    return [peer for peer, name in PEERS.items() if (ENVIRONMENTS / name / ".installed").exists()]


def run(peer: str, jobs: Sequence[Mapping[str, str]], folder: Path) -> list[dict[str, Any]]:
    """What a peer's worker answers to jobs, in order; each job names its ``output`` file.

    Raises:
        BenchmarkError: if its process fails.
    """
    name = PEERS[peer]
    request, noise = folder / f"{name}-request.json", folder / f"{name}-noise.txt"
    request.write_text(json.dumps(jobs), encoding="utf-8")
    command = [str(ENVIRONMENTS / name / "bin" / "python"), str(ROOT / "benchmarks/peers" / f"{name}_worker.py")]
    # In a folder of its own, as NannyML reads any .env that it finds; without this project on the path.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    with noise.open("w") as output:
        ended = subprocess.run(
            [*command, str(request)], cwd=folder, env=environment, stdout=output, stderr=output, check=False
        )
    if ended.returncode != 0:
        last = "\n".join(noise.read_text(errors="replace").splitlines()[-25:])
        raise BenchmarkError(f"{peer} failed with exit code {ended.returncode}:\n{last}")
    return [json.loads(Path(job["output"]).read_text(encoding="utf-8")) for job in jobs]
