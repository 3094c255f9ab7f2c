"""Great Expectations costs seconds to import, so nothing loads it before the first validation."""

import subprocess
import sys


def test_importing_the_quality_stage_does_not_load_great_expectations() -> None:
    code = (
        "import sys, expectations.joined_predictions, expectations.logged_predictions, "
        "monitoring_pipeline.quality.validate, monitoring_pipeline.quality.score; "
        "print([m for m in ('great_expectations', 'pandas', 'dagster') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
