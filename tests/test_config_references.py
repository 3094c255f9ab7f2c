"""Names in ``monitoring.yaml`` that must resolve."""

from pathlib import Path

import pytest

from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.problems import ConfigError

METRICS = {"regression": ("mae", "rmse"), "binary": ("recall", "precision")}


def load(tmp_path: Path, text: str) -> None:
    file = tmp_path / "monitoring.yaml"
    file.write_text(text, encoding="utf-8")
    load_config(file, metric_names=lambda task: METRICS.get(task, ()))


def problems_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return [problem.render("f") for problem in caught.value.problems]


@pytest.mark.parametrize("metric", ["mae", "coverage", "drifted_features"])
def test_a_rule_may_watch_a_metric_of_its_task_and_the_counts(tmp_path: Path, metric: str) -> None:
    load(tmp_path, f"models: [{{id: m, task: regression, rules: [{{id: r, metric: {metric}, above: 1}}]}}]\n")


def test_a_metric_of_another_task_is_refused(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "models: [{id: m, task: binary, rules: [{id: r, metric: mae, above: 1}]}]\n") == [
        (
            "f:1: models[0].rules[0].metric: 'mae' is not a metric of a binary model; "
            "allowed: recall, precision, coverage, coverage_shortfall, drifted_features, prediction_drift, "
            "label_drift, concept_drift"
        )
    ]


def test_metrics_are_those_of_the_registry_unless_told_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "monitoring.yaml"
    file.write_text("models: [{id: m, task: regression, rules: [{id: r, metric: rmsee, above: 1}]}]\n")

    with pytest.raises(ConfigError, match=r"did you mean 'rmse'\?"):
        load_config(file)


def test_a_channel_that_nobody_declared_is_refused_for_models_and_rules(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        "channels: {journal: {type: log}}\n"
        "models:\n"
        "  - id: m\n"
        "    task: regression\n"
        "    channels: [jurnal]\n"
        "    rules: [{id: r, metric: mae, above: 1, channels: [journal, pager]}]\n",
    )

    assert problems == [
        (
            "f:5: models[0].channels[0]: 'jurnal' is not declared under channels; "
            "allowed: journal; did you mean 'journal'?"
        ),
        "f:6: models[0].rules[0].channels[1]: 'pager' is not declared under channels; allowed: journal",
    ]


def test_without_any_channel_none_can_be_named(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, "models: [{id: m, task: regression, channels: [a]}]\n")

    assert problem.endswith("'a' is not declared under channels; none is allowed here")


def test_ids_stand_once_and_the_second_is_the_one_pointed_at(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        "models:\n"
        "  - id: m\n"
        "    task: regression\n"
        "    rules:\n"
        "      - {id: r, metric: mae, above: 1}\n"
        "      - {id: r, metric: mae, above: 2}\n"
        "  - id: m\n"
        "    task: binary\n",
    )

    assert problems == [
        "f:6: models[0].rules[1].id: 'r' is used twice; each needs an id of its own",
        "f:7: models[1].id: 'm' is used twice; each needs an id of its own",
    ]


def test_a_rule_on_a_segment_that_the_model_does_not_split_by_would_be_silent_so_it_is_refused(tmp_path: Path) -> None:
    [problem] = problems_of(
        tmp_path,
        "models:\n"
        "  - id: m\n"
        "    task: regression\n"
        "    segments: [carrier]\n"
        "    rules: [{id: r, metric: mae, above: 1, segments: [all, '*', 'carrier=*', 'c*=UA', 'carier=UA']}]\n",
    )

    assert problem == (
        "f:5: models[0].rules[0].segments[4]: 'carier' is not one of the model's segments; "
        "allowed: carrier; did you mean 'carrier'?"
    )


def test_a_model_may_split_by_any_field_of_its_events(tmp_path: Path) -> None:
    load(tmp_path, "models: [{id: m, task: regression, segments: [no_feature_of_it]}]\n")


def test_a_change_of_what_is_not_known_at_a_label_age_would_be_silent_so_it_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "monitoring.yaml"
    file.write_text(
        "models:\n"
        "  - id: m\n"
        "    task: regression\n"
        "    resources: [cpu]\n"
        "    rules:\n"
        "      - {id: a, metric: mae, above: 0.2, baseline: {}}\n"
        "      - {id: b, metric: business_value_total, below: -0.2, baseline: {}}\n"
        "      - {id: c, metric: latency_p95_ms, above: 0.2, baseline: {}}\n"
        "      - {id: d, metric: cpu_max, above: 0.2, baseline: {}}\n"
        "      - {id: e, metric: latency_p95_ms, above: 0.2}\n"
    )

    with pytest.raises(ConfigError) as refusal:
        load_config(file)

    assert [(problem.line, problem.message.split(";")[0]) for problem in refusal.value.problems] == [
        (8, "'latency_p95_ms' is not compared with past windows"),
        (9, "'cpu_max' is not compared with past windows"),
    ]


@pytest.mark.parametrize("every", ["P367D", "P999999999D"])
def test_past_windows_lie_within_the_calendar(tmp_path: Path, every: str) -> None:
    baseline = f"baseline: {{windows: 60, every: {every}}}"

    [problem] = problems_of(
        tmp_path, f"models: [{{id: m, task: regression, rules: [{{id: r, metric: mae, above: 1, {baseline}}}]}}]\n"
    )

    assert problem.startswith("f:1: models[0].rules[0].baseline.every:")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("measures: [ks, ks]", "models[0].drift: measure used twice: ks"),
        ("detectors: [cusum, cusum]", "models[0].drift: detector used twice: cusum"),
        ("multivariate: [reconstruction, reconstruction]", "models[0].drift: multivariate used twice: reconstruction"),
    ],
)
def test_what_is_named_twice_in_the_drift_settings_is_said(tmp_path: Path, settings: str, message: str) -> None:
    problems = problems_of(tmp_path, f"models:\n- id: m\n  task: regression\n  drift: {{{settings}}}\n")

    assert problems == [f"f:4: {message}"]


def test_a_segment_that_is_named_twice_is_said(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "models:\n- id: m\n  task: regression\n  segments: [plan, plan]\n")

    assert problems == ["f:2: models[0]: segment used twice: plan"]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{start: 1900-01-01, end: 2100-01-01}", "models[0].reference: a reference window is at most 7,305 days long"),
        ("{file: ''}", "models[0].reference.file: '' should have at least 1 character"),
    ],
)
def test_a_reference_that_cannot_be_read_is_refused(tmp_path: Path, reference: str, message: str) -> None:
    problems = problems_of(tmp_path, f"models:\n- id: m\n  task: regression\n  reference: {reference}\n")

    assert problems == [f"f:4: {message}"]
