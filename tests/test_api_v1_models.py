"""``GET /v1/models``: declared ones, and those that only log."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from monitoring_pipeline.config.models import Model, MonitoringConfig, Task
from monitoring_pipeline.database import writing
from monitoring_pipeline.events.totals.tables import version_totals
from monitoring_pipeline.windows import HOUR_MICROS
from tests.alerts_examples import finding, recorded
from tests.api_pages import items, problem
from tests.conftest import NOON_MICROS, FixedClock
from tests.serving import installation_on, served, token_for

DECLARED = MonitoringConfig(
    models=[Model(id="flight_delay", task=Task.REGRESSION, owner="team:ops"), Model(id="quiet", task=Task.BINARY)]
)


def logged(engine: Engine, *versions: tuple[str, str], environment: str = "production") -> None:
    rows = [
        {
            "model_id": model_id,
            "model_version": version,
            "environment": environment,
            "prediction_count": 10,
            "class_count": 0,
            "probability_count": 0,
            "first_seen_at": NOON_MICROS,
            "last_seen_at": NOON_MICROS + place * HOUR_MICROS,
            "first_predicted_at": NOON_MICROS,
            "last_predicted_at": NOON_MICROS,
        }
        for place, (model_id, version) in enumerate(versions)
    ]
    with writing(engine) as connection:
        connection.execute(insert(version_totals), rows)


def test_a_model_is_shown_with_its_versions_and_the_alerts_that_stand(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    logged(engine, ("flight_delay", "1"), ("flight_delay", "2"))
    recorded(engine, finding(12.0), finding(12.0, day=1), now=clock())
    recorded(engine, finding(9.0, day=1), now=clock() + 1)

    with served(installation_on(engine, tmp_path, clock=clock, config=DECLARED)) as client:
        model = client.get("/v1/models/flight_delay").json()

    assert {name: model[name] for name in ("is_declared", "task", "owner", "prediction_count", "last_seen_at")} == {
        "is_declared": True,
        "task": "regression",
        "owner": "team:ops",
        "prediction_count": 20,
        "last_seen_at": "2026-03-02T13:00:00Z",
    }
    assert model["open_alerts"] == {"info": 0, "warning": 0, "critical": 1}
    assert [version["model_version"] for version in model["versions"]] == ["2", "1"]


def test_declared_and_undeclared_models_are_one_list(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    logged(engine, ("flight_delay", "1"), ("unknown", "1"), ("Éclair", "1"), ("a/b c", "1"))

    with served(installation_on(engine, tmp_path, clock=clock, config=DECLARED)) as client:
        found = items(client, "/v1/models", limit=2)
        odd = client.get("/v1/models/a/b%20c").json()

    assert [(model["model_id"], model["is_declared"]) for model in found] == [
        ("a/b c", False),
        ("flight_delay", True),
        ("quiet", True),
        ("unknown", False),
        ("Éclair", False),
    ]
    assert [model["last_seen_at"] is None for model in found] == [False, False, True, False, False]
    assert odd["model_id"] == "a/b c"


def test_a_model_of_many_versions_shows_the_last_and_how_many(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    logged(engine, *(("m", str(number)) for number in range(12)))

    with served(installation_on(engine, tmp_path, clock=clock)) as client:
        [listed] = items(client, "/v1/models")
        shown = client.get("/v1/models/m").json()

    assert (listed["version_count"], [version["model_version"] for version in listed["versions"]]) == (
        12,
        ["11", "10", "9", "8", "7"],
    )
    assert len(shown["versions"]) == 12


def test_paging_visits_every_model_once_while_new_ones_come(engine: Engine, tmp_path: Path, clock: FixedClock) -> None:
    names = [f"{letter}{number}" for letter in ("b", "B", "é", "_") for number in range(5)]
    logged(engine, *((name, "1") for name in names))
    number = iter(range(100))

    with served(installation_on(engine, tmp_path, clock=clock, config=DECLARED)) as client:
        found = items(client, "/v1/models", limit=3, between=lambda: logged(engine, (f"a{next(number)}", "1")))

    ids = [model["model_id"] for model in found]
    assert ids == sorted(set(ids))
    assert {*names, "flight_delay", "quiet"} <= set(ids)


@pytest.mark.parametrize("limit", [1, 10])
def test_a_token_for_some_models_sees_no_others(engine: Engine, tmp_path: Path, clock: FixedClock, limit: int) -> None:
    logged(engine, ("flight_late", "1"), ("other", "1"))
    installation = installation_on(engine, tmp_path, clock=clock, config=DECLARED)
    some = token_for(installation, "metrics:read@flight_*")

    with served(installation) as client:
        found = items(client, "/v1/models", headers=some, limit=limit)
        refused, unknown = (client.get(f"/v1/models/{name}", headers=some) for name in ("other", "never"))

    assert [model["model_id"] for model in found] == ["flight_delay", "flight_late"]
    assert problem(refused) == (403, "forbidden")
    assert refused.text.replace("other", "never") == unknown.text


def test_an_unknown_model_is_told_with_a_guess_among_what_the_caller_may_read(
    engine: Engine, tmp_path: Path, clock: FixedClock
) -> None:
    logged(engine, ("flight_late", "1"))
    installation = installation_on(engine, tmp_path, clock=clock)
    everything = token_for(installation, "metrics:read")
    little = token_for(installation, "metrics:read@flight_latte", client="other")

    with served(installation) as client:
        guessed = client.get("/v1/models/flight_latte", headers=everything)
        kept = client.get("/v1/models/flight_latte", headers=little)

    assert problem(guessed) == problem(kept) == (404, "unknown-model")
    assert "did you mean 'flight_late'?" in guessed.json()["detail"]
    assert "flight_late'" not in kept.json()["detail"]
