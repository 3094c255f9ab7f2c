"""Examples in docstrings are run: one that no longer says what happens would mislead whoever reads it."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import monitoring_pipeline

ROOT = Path(monitoring_pipeline.__file__).parent
# Those of drift are run by tests/test_drift_contract.py, whether they have examples or not.
TESTED_THERE = ("drift",)
MODULES = [
    ".".join((monitoring_pipeline.__name__, *file.relative_to(ROOT).with_suffix("").parts))
    for file in sorted(ROOT.rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8") and file.relative_to(ROOT).parts[0] not in TESTED_THERE
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_say_what_happens(name: str) -> None:
    result = doctest.testmod(import_module(name))

    assert result.attempted > 0
    assert result.failed == 0
