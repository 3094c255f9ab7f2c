"""The one place that starts Great Expectations: late, quiet, offline, and once per process.

Importing it costs seconds, so nothing here happens before the first validation. Usage analytics and
progress bars are off; the context lives in memory only.
"""

import os
import threading
import warnings
from functools import cache
from importlib import import_module
from typing import Any

# GX keeps its context in module state; two threads validating at once would share one batch.
_LOCK = threading.Lock()

# Positions of the unexpected rows, and nothing that would copy the rows themselves.
_WHICH_ROWS = {
    "result_format": "COMPLETE",
    "include_unexpected_rows": False,
    "partial_unexpected_count": 0,
    "return_unexpected_index_query": False,
}
_WHETHER = {"result_format": "BOOLEAN_ONLY", "return_unexpected_index_query": False}


@cache
def great_expectations() -> Any:
    """The ``great_expectations`` package with its ``expectations`` module loaded."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        # Its own imports of deprecated standard modules are not this program's warnings.
        warnings.simplefilter("ignore", DeprecationWarning)
        package = import_module("great_expectations")
        import_module("great_expectations.expectations")
    return package


def run_suite(frame: Any, expectations: list[Any], *, which_rows: bool = True) -> list[Any]:
    """Validate a frame once.

    Args:
        frame: a pandas frame with index 0, 1, 2, …
        expectations: Great Expectations expectations.
        which_rows: whether to find the rows that break each; to find out only whether it passes takes half as long.

    Returns:
        Its results, **in no particular order**: match them by their configuration.
    """
    gx = great_expectations()
    with _LOCK:
        batch = _batch_definition().get_batch({"dataframe": frame})
        # A suite takes possession of its expectations, so it is given copies.
        suite = gx.ExpectationSuite(name="quality", expectations=[e.copy() for e in expectations])
        wanted = _WHICH_ROWS if which_rows else _WHETHER
        return list(batch.validate(suite, result_format=wanted).results)


@cache
def _batch_definition() -> Any:
    gx = great_expectations()
    types = import_module("great_expectations.data_context.types.base")
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = types.ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")
