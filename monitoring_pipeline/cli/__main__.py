"""``python -m monitoring_pipeline.cli``: the same as ``monitor``."""

from monitoring_pipeline.cli.main import main

main()
