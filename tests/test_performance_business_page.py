"""The page that explains business value: its example is a valid declaration."""

import re
from pathlib import Path

import yaml

from monitoring_pipeline.config.models import MonitoringConfig

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "business.md"


def test_the_example_of_a_declaration_is_valid() -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)

    [model] = MonitoringConfig.model_validate(yaml.safe_load(example)).models

    assert model.business is not None
    assert model.numeric_fields == ["order_price", "survey_score"]
