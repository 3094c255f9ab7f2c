"""The sentence of an event."""

from dataclasses import replace

import pytest

from monitoring_pipeline.alerts.causes import Cause, Causes
from monitoring_pipeline.alerts.vocabulary import AlertState, Finding
from monitoring_pipeline.alerts.wording import sentence
from monitoring_pipeline.config.models import Severity
from tests.alerts_examples import finding

NOTHING = Causes()


def batch(source: str, row_count: int = 412, kind: str = "actuals") -> Cause:
    return Cause(batch_id=source, source=source, kind=kind, row_count=row_count, received_at=0)


def said(
    after: Finding,
    before: Finding | None,
    *batches: Cause,
    state: AlertState = AlertState.RETRACTED,
    severity: Severity = Severity.CRITICAL,
    old_severity: Severity | None = None,
    further: int = 0,
) -> str:
    return sentence(
        after,
        before=before,
        to_state=state,
        severity=severity,
        old_severity=old_severity,
        causes=Causes(batches=batches, further_count=further),
    )


def test_a_retraction_says_what_moved_from_where_to_where_and_which_batch_moved_it() -> None:
    late = said(finding(9.5, labelled=97), finding(31.25, labelled=61), batch("actuals-2013-06-19.ndjson"))

    assert late == (
        "CRITICAL retracted: late labels moved mae of flight_delay 3 (production, all) from 31.25 to 9.5 "
        "in 2024-10-04, coverage 61% to 97% (rule mae-high: alert above 10; 100 predictions, 97% labelled); "
        "batch actuals-2013-06-19.ndjson (412 rows)"
    )


def test_the_first_verdict_tells_the_value_and_no_batches() -> None:
    opened = said(finding(12.0), None, batch("everything.csv"), state=AlertState.PROVISIONAL)

    assert opened == (
        "CRITICAL provisional: mae of flight_delay 3 (production, all) is 12 in 2024-10-04 "
        "(rule mae-high: alert above 10; 100 predictions, 60% labelled)"
    )


def test_what_time_alone_has_changed_is_said_to_be_so() -> None:
    confirmed = said(finding(12.0, mature=True), finding(12.0), state=AlertState.CONFIRMED)

    assert confirmed.startswith("CRITICAL confirmed: mae of flight_delay 3 (production, all) is 12 in 2024-10-04 (")
    assert confirmed.endswith("; by age alone, nothing arrived")


@pytest.mark.parametrize(
    ("kinds", "mover"),
    [
        (("actuals",), "late labels moved mae"),
        (("predictions",), "further predictions moved mae"),
        (("actuals", "predictions"), "late events moved mae"),
    ],
)
def test_what_arrived_is_named_by_its_kind(kinds: tuple[str, ...], mover: str) -> None:
    told = said(finding(9.0), finding(12.0), *(batch(f"{kind}.csv", kind=kind) for kind in kinds))

    assert mover in told


def test_a_value_that_moved_for_no_reason_on_record_is_laid_at_nobodys_door() -> None:
    told = said(finding(9.0), finding(12.0))

    assert "retracted: mae of flight_delay 3 (production, all) moved from 12 to 9 in 2024-10-04 (" in told
    assert told.endswith("60% labelled)")


def test_a_change_of_severity_names_the_one_before() -> None:
    told = said(finding(25.0), finding(12.0), batch("a.csv"), state=AlertState.ESCALATED, old_severity=Severity.WARNING)

    assert told.startswith("CRITICAL escalated (was warning): late labels moved mae")


def test_many_batches_are_counted_after_the_newest_three() -> None:
    told = said(finding(9.0), finding(12.0), *(batch(f"{i}.csv", 1) for i in range(10)), further=5)

    assert told.endswith("; batches 0.csv (1 row), 1.csv (1 row), 2.csv (1 row), 12 more")


def test_a_file_name_mentions_links_and_breaks_nothing() -> None:
    hostile = batch("<!channel>\n[x](http://evil) @here \u202e`rm`" + "x" * 500)
    group = replace(finding(9.0), key=replace(finding(9.0).key, model_id="@all"))

    told = said(group, finding(12.0), hostile)

    assert not set(told) & set("<>[]@\n`\u202e")
    assert len(told) < 400
