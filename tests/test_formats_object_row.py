"""A message that is one JSON object, on however many lines: a key that it repeats is seen wherever a line breaks."""

import pytest

from monitoring_pipeline.events.formats.ndjson import object_row
from monitoring_pipeline.events.quarantine import QuarantineReason


@pytest.mark.parametrize("space", [b"", b" ", b"\t", b"\r", b"\n", b"\r\n"])
@pytest.mark.parametrize(
    "written", [b'{"a"%s: 1, "a": 2}', b'{"a": 1, "a"%s: 2}', b'{"features": {"x"%s: 1, "x": 2}}', b'{"a"%s:1,"a":2}\n']
)
def test_a_repeated_key_is_refused_whatever_stands_before_a_colon(written: bytes, space: bytes) -> None:
    row = object_row(1, written % space)

    assert row.record is None
    assert row.rejected is not None
    assert row.rejected.reason is QuarantineReason.DUPLICATE_KEY


def test_an_object_on_several_lines_is_read() -> None:
    assert object_row(1, b'{\n  "a"\n: 1,\n  "b": "x\\n"\n}\n').record == {"a": 1, "b": "x\n"}
