"""Sources in ``monitoring.yaml``: what is wrong is named with its line, and secrets have no place in the file."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from monitoring_pipeline.config.load import load_config
from monitoring_pipeline.config.models import FileSource, KafkaSource, MonitoringConfig, SqlSource
from monitoring_pipeline.config.problems import ConfigError
from monitoring_pipeline.config.remarks import remarks
from monitoring_pipeline.config.schema import config_schema

URL = "sources:\n  u:\n    type: url\n    format: csv\n"
SQL = "sources:\n  w:\n    type: sql\n    url_env: W\n    watermark: at\n    kind: actuals\n"
KAFKA = "sources:\n  live:\n    type: kafka\n    servers: localhost:9092\n    topics: {t: mixed}\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("monitoring.yaml")


def problems_of(file: Path, text: str) -> list[str]:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    return [problem.render(caught.value.file) for problem in caught.value.problems]


def test_sources_are_read_with_their_defaults(file: Path) -> None:
    file.write_text(KAFKA + SQL.removeprefix("sources:\n") + "    table: t\n  f: {type: files, path: in}\n")

    sources = load_config(file).sources

    live, warehouse, files = sources["live"], sources["w"], sources["f"]
    assert isinstance(live, KafkaSource)
    assert isinstance(warehouse, SqlSource)
    assert isinstance(files, FileSource)
    assert (live.group, live.begin, live.topics) == ("monitoring-pipeline", "earliest", {"t": "mixed"})
    assert (warehouse.lookback, warehouse.chunk_rows) == (timedelta(minutes=10), 10_000)
    assert (files.settle, files.every) == (timedelta(seconds=30), timedelta(minutes=5))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "sources:\n  a: {type: kafak, path: x}\n",
            (
                "monitoring.yaml:2: sources.a: type 'kafak' is not allowed; allowed: kafka, files, url, sql; "
                "did you mean 'kafka'?"
            ),
        ),
        (
            KAFKA.replace("mixed", "prediction"),
            (
                "monitoring.yaml:5: sources.live.topics.t: 'prediction' is not allowed; "
                "allowed: predictions, actuals, mixed; did you mean 'predictions'?"
            ),
        ),
        (
            KAFKA + "    settings: {sasl.password: geheim}\n",
            (
                "monitoring.yaml:6: sources.live.settings: holds the secret sasl.password; "
                "name the environment variable that holds it under secrets_env"
            ),
        ),
        (
            KAFKA + "    settings: {enable.auto.commit: true}\n",
            (
                "monitoring.yaml:6: sources.live.settings: sets enable.auto.commit, "
                "which has a key of its own or must stay as it is; take it out"
            ),
        ),
        (
            URL,
            "monitoring.yaml:2: sources.u: needs either url or url_env (for an address that is a secret), and not both",
        ),
        (SQL, "monitoring.yaml:2: sources.w: needs either table or query, and not both"),
        (
            SQL + "    table: t\n    lookback: 60\n",
            (
                "monitoring.yaml:8: sources.w.lookback: 60 has no unit; write a duration as PT6H or 06:00:00, "
                "an instant as 2013-06-17T06:00:00Z"
            ),
        ),
        (
            SQL + "    table: t\n    columns: {model_id: m}\n    values: {model_id: churn}\n",
            "monitoring.yaml:2: sources.w: model_id is under columns and under values; keep one",
        ),
        (
            "sources:\n  f:\n    type: files\n    path: in\n    kinds: actuals\n",
            (
                "monitoring.yaml:5: sources.f.kinds: is not a key that exists here; "
                "allowed: type, path, kind, settle, every; did you mean 'kind'?"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_source_is_told_with_its_line(file: Path, text: str, told: str) -> None:
    assert problems_of(file, text) == [told]


def test_the_schema_for_editors_knows_sources() -> None:
    validator = Draft202012Validator(config_schema())

    good = {"sources": {"f": {"type": "files", "path": "in", "settle": "PT1M"}}}
    bad = {"sources": {"f": {"type": "files", "pfad": "in"}}}

    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


def test_variables_that_are_not_set_are_remarked_on(file: Path) -> None:
    text = (
        KAFKA + "    secrets_env: {sasl.password: NO_SUCH_SECRET}\n" + SQL.removeprefix("sources:\n") + "    table: t\n"
    )
    file.write_text(text, encoding="utf-8")

    found = list(remarks(load_config(file), base=Path(), environ={**os.environ, "W": ""}))

    assert [sentence.split(":")[0] for sentence in found] == [
        "sources.live.secrets_env.sasl.password",
        "sources.w.url_env",
    ]


def test_without_sources_nothing_is_fetched() -> None:
    assert MonitoringConfig().sources == {}
