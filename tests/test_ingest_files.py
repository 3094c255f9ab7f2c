import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.events.ingest import Progress, ingest_file
from monitoring_pipeline.events.schema import MAX_LINE_BYTES, Kind
from monitoring_pipeline.events.storing.report import IngestReport
from tests.conftest import FixedClock
from tests.ingest_examples import DECLARED, NOTHING_DECLARED, actual, adds_up, prediction, stored, write_ndjson


def ingest(engine: Engine, path: Path, clock: FixedClock, **options: Any) -> IngestReport:
    report = ingest_file(engine, path, **{"config": DECLARED, "clock": clock, **options})
    assert adds_up(report)
    return report


def faults(report: IngestReport) -> list[tuple[int, str | None, str]]:
    return [(sample.line, sample.field, sample.reason) for sample in report.samples]


def row(fields: str, *, at: str = "2026-03-02T09:15:00Z") -> str:
    """A line of NDJSON, written by hand because most faults cannot be written by a JSON library."""
    return f'{{"timestamp": "{at}", "model_id": "delay", {fields}}}'


def test_every_kind_of_fault_is_quarantined_with_line_and_field_and_the_rest_is_accepted(
    engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    lines: list[tuple[str | bytes, str | None, str | None]] = [
        (row('"prediction_id": "ok", "predicted_value": 1'), None, None),
        ('{"timestamp": "2026-03-02T09', None, "broken_json"),
        ("[" * 100_000, None, "broken_json"),
        ("1" * 5_000, None, "broken_json"),
        ("[1, 2]", None, "not_an_object"),
        ("12", None, "not_an_object"),
        (row('"predicted_value": 1, "prediction_id": "a", "prediction_id": "b"'), "prediction_id", "duplicate_key"),
        (row('"prediction_id" : "a", "predicted_value": 1, "predicted_value": 2'), "predicted_value", "duplicate_key"),
        (row('"prediction_id": "a", "predicted_value": 1, "features": {"x": 1, "x": 2}'), "x", "duplicate_key"),
        (
            row(r'"prediction_id": "a", "predicted_value": 1, "predicted_value": 2, "features":"{\u0022x\":1}"'),
            "predicted_value",
            "duplicate_key",
        ),
        (
            row(r'"prediction_id": "a", "predicted_value": 1, "predicted_value": 2, "features":"{\"x\"\u003a1}"'),
            "predicted_value",
            "duplicate_key",
        ),
        (row('"prediction_id": "a"'), "predicted_value", "missing_field"),
        (row('"prediction_id": "a", "predicted_value": null'), "predicted_value", "missing_value"),
        (row('"prediction_id": "a", "predicted_value": 1, "colour": 2'), "colour", "unknown_field"),
        (row('"prediction_id": "a", "predicted_value": "x"'), "predicted_value", "wrong_type"),
        (row('"prediction_id": "a", "predicted_value": NaN'), "predicted_value", "not_finite"),
        (row('"prediction_id": "a", "predicted_value": 1e400'), "predicted_value", "not_finite"),
        (row('"prediction_id": "a", "predicted_value": 1, "features": {"x": Infinity}'), "features.x", "not_finite"),
        (row('"prediction_id": "a", "predicted_value": 1, "confidence": 2'), "confidence", "out_of_range"),
        (row('"prediction_id": "a", "predicted_value": 1', at="soon"), "timestamp", "bad_timestamp"),
        (row('"prediction_id": "a", "predicted_value": 1', at="2036-01-01 00:00:00"), "timestamp", "future_timestamp"),
        (row('"prediction_id": "", "predicted_value": 1'), "prediction_id", "empty_id"),
        (row(f'"prediction_id": "{"x" * 201}", "predicted_value": 1'), "prediction_id", "too_long"),
        (row('"prediction_id": "a\\u0000", "predicted_value": 1'), "prediction_id", "bad_text"),
        (row('"prediction_id": "a\\ud800", "predicted_value": 1'), "prediction_id", "bad_text"),
        (b'{"model_id": "\xff\x00"}', None, "bad_text"),
        ('{"model_id": "' + "x" * MAX_LINE_BYTES + '"}', None, "too_large"),
        (row('"prediction_id": "ok", "predicted_value": 2'), "prediction_id", "conflicting_prediction"),
        (row('"prediction_id": "last", "predicted_value": 1, "entity_id": "a\\": \\" :b", "carrier": "q"'), None, None),
    ]
    path = tmp_path / "hostile.ndjson"
    path.write_bytes(b"".join(line.encode() + b"\n" if isinstance(line, str) else line + b"\n" for line, _, _ in lines))

    report = ingest(engine, path, clock)

    expected = [(n, field, reason) for n, (_, field, reason) in enumerate(lines, start=1) if reason]
    rows = sorted(stored(engine, "quarantine"), key=lambda row: int(row["line"]))
    assert [(row["line"], row["field"], row["reason"]) for row in rows] == expected
    assert [row["prediction_id"] for row in stored(engine, "predictions")] == ["last", "ok"]
    assert (report.accepted, report.conflicts, report.quarantined) == (2, 1, len(expected) - 1)
    assert faults(report) == expected[:5]
    by_line = {row["line"]: row for row in rows}
    assert by_line[16]["raw"] == lines[15][0]
    assert by_line[26]["raw"] == '{"model_id": "\\xff\\x00"}'
    assert len(by_line[27]["raw"]) == 1_000


def test_ingesting_a_hostile_file_again_adds_nothing(engine: Engine, clock: FixedClock, tmp_path: Path) -> None:
    big = '{"model_id": "' + "x" * MAX_LINE_BYTES
    path = write_ndjson(
        tmp_path / "f.ndjson", [prediction(), "{", "{", big + '1"}', big + '2"}', prediction(predicted_value=1)]
    )
    first = ingest(engine, path, clock)
    before = stored(engine, "quarantine")

    again = ingest(engine, path, clock)

    assert len(before) == 4  # equal texts are one row
    assert stored(engine, "quarantine") == before
    assert (first.accepted, first.conflicts, first.quarantined) == (1, 1, 4)
    assert (again.duplicates, again.conflicts, again.quarantined) == (1, 1, 4)


@pytest.mark.parametrize("name", ["p.ndjson", "p.jsonl", "p.json", "P.NDJSON", "p.ndjson.gz"])
def test_ndjson_is_known_by_its_endings_and_blank_lines_and_a_byte_order_mark_do_not_matter(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, name: str
) -> None:
    text = write_ndjson(tmp_path / "plain", [prediction(), "", "  \r", prediction(prediction_id="p2"), ""]).read_bytes()
    content = b"\xef\xbb\xbf" + text.rstrip()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    report = ingest(sqlite_engine, tmp_path / name, clock)

    assert (report.kind, report.received, report.accepted) == (Kind.PREDICTIONS, 2, 2)
    assert report.source == name


def test_csv_carries_the_same_events_as_ndjson(engine: Engine, clock: FixedClock, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(
        "timestamp,model_id,prediction_id,predicted_value,actual_value,confidence,carrier,"
        "features.distance,features.origin,features.night\n"
        "2026-03-02 09:15:00,delay,007,12.5,,0.5,UA,300,JFK,true\n"
        '2026-03-02 09:15:00,delay,8,1e1,3,,"a\nb",-1.5,007,\n'
    )
    first = {"distance": 300, "origin": "JFK", "night": True}
    second = {"distance": -1.5, "origin": "007"}
    events = [
        prediction(prediction_id="007", confidence=0.5, carrier="UA", features=first),
        prediction(prediction_id="8", predicted_value=10, actual_value=3, carrier="a\nb", features=second),
    ]
    ndjson = write_ndjson(tmp_path / "p.ndjson", events)

    from_csv = ingest(engine, path, clock)
    from_ndjson = ingest(engine, ndjson, clock)

    assert (from_csv.accepted, from_csv.quarantined) == (2, 0)
    assert (from_ndjson.duplicates, from_ndjson.quarantined) == (2, 0)


def test_faults_in_csv_are_found_at_the_first_line_of_their_row(
    engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    header = b"\xef\xbb\xbftimestamp,model_id,prediction_id,predicted_value,entity_id,features.x\n"
    good = b"2026-03-02T09:15:00Z,delay,%s,1,%s,%s\n"
    path = tmp_path / "p.csv"
    path.write_bytes(
        header
        + good % (b"a", b'"two\nlines"', b"1")  # lines 2 and 3
        + b"\n"
        + good % (b"b", b"", b"1,surplus")  # 5
        + good % (b"c", b"", b"nan")  # 6
        + good % (b"d", b"\xff", b"1")  # 7
        + good % (b"", b"", b"1")  # 8
        + good % (b"e\0", b"", b"1")  # 9
        + good % (b"f", b"y" * MAX_LINE_BYTES, b"1")  # 10
        + good % (b"g", b"z" * 200_000, b"1")  # 11: beyond what the csv module holds
        + b"2026-03-02T09:15:00Z,delay,h,twelve,,\n"  # 12
        + good % (b"i", b"", b"1")
    )

    report = ingest(engine, path, clock)

    rows = sorted(stored(engine, "quarantine"), key=lambda row: int(row["line"]))
    assert [(row["line"], row["field"], row["reason"]) for row in rows] == [
        (5, None, "broken_row"),
        (6, "features.x", "not_finite"),
        (7, "entity_id", "bad_text"),
        (8, "prediction_id", "missing_field"),
        (9, "prediction_id", "bad_text"),
        (10, None, "too_large"),
        (11, None, "too_large"),
        (12, "predicted_value", "wrong_type"),
    ]
    assert (report.accepted, report.quarantined) == (2, 8)
    assert '"predicted_value":"twelve"' in rows[-1]["raw"]


@pytest.mark.parametrize("rest", [40, 4_000])  # up to the end of the file, and up to what the csv module holds
def test_a_quote_left_open_costs_lines_that_are_all_accounted_for(
    engine: Engine, clock: FixedClock, tmp_path: Path, rest: int
) -> None:
    header = "timestamp,model_id,prediction_id,predicted_value,entity_id"
    lines = [f"2026-03-02T09:15:00Z,delay,p{n},1,{'x' * 20}" for n in range(rest)]
    lines[1] = '2026-03-02T09:15:00Z,delay,p1,1,"open'
    path = tmp_path / "p.csv"
    path.write_text("\n".join([header, *lines]) + "\n")

    report = ingest(engine, path, clock)

    accepted = {row["prediction_id"] for row in stored(engine, "predictions")}
    refused = {row["raw"] for row in stored(engine, "quarantine")}
    assert report.received == rest
    assert report.reasons == {"broken_row": report.quarantined}
    assert accepted == {line.split(",")[2] for line in lines if line not in refused}
    assert refused <= set(lines)
    assert "is a quote on line 3 left open?" in report.samples[0].detail
    assert bool(accepted - {"p0"}) == (rest > 40)


def test_a_row_goes_on_after_a_quote_that_another_one_closes(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    header = "timestamp,model_id,prediction_id,predicted_value,entity_id"
    row = "2026-03-02T09:15:00Z,delay,"
    path = tmp_path / "p.csv"
    path.write_text("\n".join([header, row + 'a,1,"open', row + 'b,1,"x"', row + 'c,1,"two\nlines"', ""]))

    report = ingest(sqlite_engine, path, clock)

    assert [sample.line for sample in report.samples] == [2, 3]
    assert [row["prediction_id"] for row in stored(sqlite_engine, "predictions")] == ["c"]


def test_a_csv_row_of_many_lines_is_bounded(sqlite_engine: Engine, clock: FixedClock, tmp_path: Path) -> None:
    cell = '"' + f"{'x' * 99}\n" * 1_000 + '"'
    path = tmp_path / "p.csv"
    path.write_text("prediction_id,actual_value\n" + ",".join([cell] * 12) + "\na,1\n")

    report = ingest(sqlite_engine, path, clock)

    assert report.received == report.quarantined
    assert stored(sqlite_engine, "quarantine")[-1]["batch_id"]


def test_parquet_carries_typed_columns(engine: Engine, clock: FixedClock, tmp_path: Path) -> None:
    instant = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    path = tmp_path / "p.parquet"
    table = pa.table(
        {
            "timestamp": pa.array([instant, instant, instant], pa.timestamp("ns", tz="Europe/Berlin")),
            "model_id": pa.array(["delay"] * 3).dictionary_encode(),
            "prediction_id": [1, 2, 3],
            "predicted_value": [12.5, float("nan"), None],
            "features": [{"distance": 300, "carrier": "UA"}] * 3,
            "carrier": ["UA", None, None],
        }
    )
    pq.write_table(table, path)

    report = ingest(engine, path, clock)
    again = ingest(engine, write_ndjson(tmp_path / "p.ndjson", [prediction(prediction_id="1", carrier="UA")]), clock)

    assert faults(report) == [(2, "predicted_value", "not_finite"), (3, "predicted_value", "missing_field")]
    assert (report.accepted, again.duplicates) == (1, 1)


def test_parquet_may_have_naive_stamps_a_column_per_feature_and_maps(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    table = pa.table(
        {
            "timestamp": pa.array([datetime(2026, 3, 2, 9, 15)], pa.timestamp("ms")),  # noqa: DTZ001 - one is tested
            "model_id": ["late"],
            "prediction_id": ["p"],
            "predicted_value": [True],
            "probabilities": pa.array([[("no", 0.25), ("yes", 0.75)]], pa.map_(pa.string(), pa.float64())),
            "features.x": [1.5],
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")

    assert ingest(sqlite_engine, tmp_path / "p.parquet", clock).accepted == 1
    [row] = stored(sqlite_engine, "predictions")
    assert (row["features"], row["probabilities"]) == ('{"x":1.5}', '{"no":0.25,"yes":0.75}')
    assert row["predicted_value"] == 1.0


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([prediction()], Kind.PREDICTIONS),
        ([prediction(actual_value=1)], Kind.PREDICTIONS),
        ([actual()], Kind.ACTUALS),
        (["{", prediction(predicted_value=..., actual_value=2), prediction()], Kind.PREDICTIONS),
    ],
)
def test_the_kind_is_told_by_the_columns(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, events: list[Any], kind: Kind
) -> None:
    report = ingest(sqlite_engine, write_ndjson(tmp_path / "e.ndjson", events), clock)

    assert (report.kind, report.received) == (kind, len(events))


def test_a_given_kind_overrules_the_columns(sqlite_engine: Engine, clock: FixedClock, tmp_path: Path) -> None:
    report = ingest(sqlite_engine, write_ndjson(tmp_path / "e.ndjson", [actual()]), clock, kind=Kind.PREDICTIONS)

    assert report.reasons == {"missing_field": 1}


@pytest.mark.parametrize("name", ["e.ndjson", "e.csv", "e.ndjson.gz"])
def test_an_empty_file_has_no_rows_and_is_no_error(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")

    report = ingest(sqlite_engine, tmp_path / name, clock)

    assert (report.received, report.kind) == (0, None)


def test_a_csv_with_a_header_only_has_a_kind_and_no_rows(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    (tmp_path / "e.csv").write_text("model_id,prediction_id,actual_value\n")

    report = ingest(sqlite_engine, tmp_path / "e.csv", clock)

    assert (report.received, report.kind) == (0, Kind.ACTUALS)
    assert len(stored(sqlite_engine, "ingest_batches")) == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.csv", None, "does not exist"),
        ("e.xlsx", b"", "the format .xlsx is not known; allowed are .ndjson"),
        ("e.parquet.gz", b"", "the format .gz is not known"),
        ("e", b"", "the format without ending is not known"),
        ("e.parquet", b"PAR1 but not really", "cannot be read as Parquet"),
        ("e.ndjson", b'{"a": 1}\n', "give --kind predictions or --kind actuals"),
        ("e.ndjson", b"{\n", "give --kind predictions or --kind actuals"),
        ("e.csv", b"a,b\n", "give --kind predictions or --kind actuals"),
        ("e.csv", b"a,,b\n", "a column has no name"),
        ("e.csv", b"a,b,a\n", "the column a is there twice"),
        ("e.csv", b"features,features.x\n", "keep one of the two ways"),
        ("e.csv", b'model_id,"prediction_id', "the header cannot be read"),
        ("e.csv.gz", b"not gzip", "is damaged"),
        ("e.ndjson.gz", gzip.compress(b'{"predicted_value": 1}\n' * 1_000)[:-20], "is damaged"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_plain_sentence(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(MonitorError) as caught:
        ingest(sqlite_engine, tmp_path / name, clock)

    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["d.csv", "folder", "."])
def test_a_folder_is_refused_as_what_it_is(sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(exist_ok=True)

    with pytest.raises(MonitorError, match="is a folder; name the files in it"):
        ingest(sqlite_engine, tmp_path / name, clock)


@pytest.mark.parametrize("name", ["p.ndjson", "p.csv", "p.parquet"])
def test_progress_is_told_after_each_transaction(
    sqlite_engine: Engine, clock: FixedClock, tmp_path: Path, name: str
) -> None:
    rows = [prediction(prediction_id=str(n), features=...) for n in range(25)]
    if name == "p.csv":
        lines = [",".join(map(str, row.values())) for row in rows]
        (tmp_path / name).write_text("\n".join([",".join(rows[0]), *lines]))
    elif name == "p.parquet":
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    else:
        write_ndjson(tmp_path / name, rows)
    told: list[Progress] = []

    ingest(sqlite_engine, tmp_path / name, clock, progress=told.append, batch_rows=10)

    assert [progress.rows for progress in told] == [10, 20, 25]
    assert 0 < told[0].fraction <= told[1].fraction <= told[2].fraction == 1.0


def test_a_crash_between_transactions_loses_nothing_and_the_next_ingest_completes(
    engine: Engine, clock: FixedClock, tmp_path: Path
) -> None:
    rows = [prediction(prediction_id=f"p{n}", actual_value=n, features=...) for n in range(35)]
    path = write_ndjson(tmp_path / "p.ndjson", [*rows, "{"])

    class Crash(BaseException):
        pass

    def crash_after_two_transactions(progress: Progress) -> None:
        if progress.rows >= 20:
            raise Crash

    with pytest.raises(Crash):
        ingest(engine, path, clock, batch_rows=10, progress=crash_after_two_transactions)
    [batch] = stored(engine, "ingest_batches")
    landed = (len(stored(engine, "predictions")), len(stored(engine, "actuals")))
    report = ingest(engine, path, clock, batch_rows=10, config=NOTHING_DECLARED)

    assert landed == (20, 20)
    assert (batch["received_count"], batch["accepted_count"]) == (20, 20)
    assert (report.received, report.accepted, report.duplicates, report.quarantined) == (36, 15, 20, 1)
    assert len(stored(engine, "predictions")) == len(stored(engine, "actuals")) == 35


def test_a_file_name_that_is_no_unicode_is_kept_readable(engine: Engine, clock: FixedClock, tmp_path: Path) -> None:
    path = write_ndjson(tmp_path / "caf\udce9.ndjson", [prediction()])

    assert ingest(engine, path, clock).source == "caf\\udce9.ndjson"
    assert stored(engine, "ingest_batches")[0]["source"] == "caf\\udce9.ndjson"
