"""The same streams for the peers, through files."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.detection.streams import COLUMNS, Values
from benchmarks.peers import PEERS, run

FirstAlarms = Mapping[str, Sequence[Sequence[int]]]
"""By column, reference and stream: the first window that is called drifted, counted from 1; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Streams to be judged by peers: references of shape (references, rows), windows (references, streams, ...)."""

    name: str
    references: Mapping[str, Values]
    windows: Mapping[str, Values]


def ask(peers: Sequence[str], questions: Iterable[Question], folder: Path) -> dict[str, dict[str, FirstAlarms]]:
    """Each peer's answers, by the questions' names; the peers work side by side.

    Raises:
        BenchmarkError: if a peer's process fails.
    """
    if not peers:
        return {}
    folder.mkdir()
    files = {question.name: _written(question, folder / f"{number}") for number, question in enumerate(questions)}
    with ThreadPoolExecutor(max_workers=len(peers)) as pool:
        asked = {peer: pool.submit(_answers, peer, files, folder) for peer in peers}
        answers = {peer: future.result() for peer, future in asked.items()}
    shutil.rmtree(folder)
    return answers


def _written(question: Question, stem: Path) -> dict[str, str]:
    """The files of a question, which all peers read."""
    paths = {name: f"{stem}-{name}.npz" for name in ("reference", "windows")}
    for path, columns in zip(paths.values(), (question.references, question.windows), strict=True):
        arrays: dict[str, Any] = {_key(name): values for name, values in columns.items()}
        np.savez(path, **arrays)
    return paths


def _answers(peer: str, files: Mapping[str, Mapping[str, str]], folder: Path) -> dict[str, FirstAlarms]:
    jobs = [
        {"what": "alarms", **paths, "output": str(folder / f"{PEERS[peer]}-{number}.json")}
        for number, paths in enumerate(files.values())
    ]
    found = run(peer, jobs, folder)
    return {
        name: {key.partition(":")[2]: alarms for key, alarms in answer.items()}
        for name, answer in zip(files, found, strict=True)
    }


def _key(column: str) -> str:
    return f"{'categorical' if COLUMNS[column].categorical else 'numeric'}:{column}"
