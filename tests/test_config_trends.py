"""Rules with a trend in ``monitoring.yaml``: what is taken, and what is refused with its place."""

from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import pytest

from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import Rule, TrendDirection
from monitoring_pipeline.config.problems import ConfigError
from monitoring_pipeline.config.schema import config_schema
from monitoring_pipeline.windows import Grain

HEAD = "models:\n  - id: m\n    task: binary\n    resources: [cpu]\n    rules:\n"
FALLS = "{direction: falling, by: 0.02}"


def load(folder: Path, rule: str) -> Rule:
    file = folder / "monitoring.yaml"
    file.write_text(f"{HEAD}      - {rule}\n", encoding="utf-8")
    return load_config(file).models[0].rules[0]


def problem_of(folder: Path, rule: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, rule)
    [problem] = caught.value.problems
    return problem.render("f")


def test_a_trend_is_over_four_windows_unless_told_otherwise(tmp_path: Path) -> None:
    rule = load(tmp_path, f"{{id: r, metric: average_confidence, trend: {FALLS}}}")

    assert rule.trend is not None
    assert (rule.trend.direction, rule.trend.windows, rule.trend.by) == (TrendDirection.FALLING, 4, 0.02)
    assert rule.grain is Grain.DAY


@pytest.mark.parametrize("metric", ["recall", "latency_p95_ms", "cpu_max", "label_delay_median_seconds"])
def test_every_metric_that_is_measured_can_be_followed(tmp_path: Path, metric: str) -> None:
    rule = load(tmp_path, f"{{id: r, metric: {metric}, grain: hour, trend: {{direction: rising, windows: 24, by: 0}}}}")

    assert rule.metric == metric


@pytest.mark.parametrize(
    ("trend", "place", "said"),
    [
        ("{direction: falling, windows: 3, by: 0.02}", "trend.windows", "greater than or equal to 4"),
        ("{direction: falling, windows: 169, by: 0.02}", "trend.windows", "less than or equal to 168"),
        ("{direction: falling, by: -0.02}", "trend.by", "greater than or equal to 0"),
        ("{direction: falling, by: .inf}", "trend.by", "valid number"),
        ("{direction: down, by: 0.02}", "trend.direction", "allowed: falling, rising"),
        ("{direction: fallin, by: 0.02}", "trend.direction", "did you mean 'falling'?"),
        ("{by: 0.02}", "trend.direction", "is missing"),
        ("{direction: falling}", "trend.by", "is missing"),
        ("{direction: falling, by: 0.02, window: 5}", "trend.window", "did you mean 'windows'?"),
    ],
)
def test_a_wrong_trend_is_refused_with_its_line_and_key(tmp_path: Path, trend: str, place: str, said: str) -> None:
    problem = problem_of(tmp_path, f"{{id: r, metric: recall, trend: {trend}}}")

    assert problem.startswith(f"f:6: models[0].rules[0].{place}: ")
    assert said in problem


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ("above: 1", "above"),
        ("below: 1", "below"),
        ("baseline: {}", "baseline"),
        ("persist: {windows: 2, of: 3}", "persist"),
        ("escalate: {below: -1}", "escalate"),
        ("above: 1, baseline: {}", "above, baseline"),
    ],
)
def test_a_trend_stands_alone(tmp_path: Path, others: str, named: str) -> None:
    problem = problem_of(tmp_path, f"{{id: r, metric: recall, trend: {FALLS}, {others}}}")

    assert problem.startswith("f:6: models[0].rules[0]")
    assert f"trend has a bound of its own, by; take out {named}" in problem


@pytest.mark.parametrize("metric", ["coverage", "coverage_shortfall", "drifted_features", "concept_drift"])
def test_what_is_only_counted_has_no_trend(tmp_path: Path, metric: str) -> None:
    problem = problem_of(tmp_path, f"{{id: r, metric: {metric}, trend: {FALLS}}}")

    assert problem.startswith("f:6: models[0].rules[0]")
    assert f"{metric} is not followed over windows; take out trend" in problem


def test_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    problem = problem_of(tmp_path, f"{{id: r, metric: average_confidenc, trend: {FALLS}}}")

    assert problem.startswith("f:6: models[0].rules[0].metric: 'average_confidenc' is not a metric of a binary model")
    assert "did you mean 'average_confidence'?" in problem


def test_a_rule_without_any_bound_is_told_of_all_three(tmp_path: Path) -> None:
    assert "a rule has one bound: above, below or trend" in problem_of(tmp_path, "{id: r, metric: recall}")


@pytest.mark.parametrize(
    ("trend", "valid"),
    [
        ({"direction": "falling", "by": 0.02}, True),
        ({"direction": "rising", "windows": 7, "by": 0}, True),
        ({"direction": "falling", "windows": 3, "by": 0.02}, False),
        ({"direction": "sideways", "by": 0.02}, False),
        ({"direction": "falling"}, False),
    ],
)
def test_editors_know_its_shape(trend: dict[str, object], *, valid: bool) -> None:
    rule = {"id": "r", "metric": "recall", "trend": trend}
    document = {"models": [{"id": "m", "task": "binary", "rules": [rule]}]}

    found = jsonschema.Draft202012Validator(config_schema()).is_valid(document)

    assert found is valid
