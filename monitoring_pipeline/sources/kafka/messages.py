"""Messages of Kafka as rows of events: the offset stands for the line, topic and partition for the file."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from confluent_kafka import Message

from monitoring_pipeline.config.models import KafkaSource
from monitoring_pipeline.events.formats.lines import OversizedLine
from monitoring_pipeline.events.formats.ndjson import object_row
from monitoring_pipeline.events.formats.rows import Row
from monitoring_pipeline.events.quarantine import QuarantineReason, Rejected
from monitoring_pipeline.events.schema import MAX_LINE_BYTES, Kind
from monitoring_pipeline.sources.intake import Portion

_SHOWN_BYTES = 1_000
_KIND_WORDS = {
    "predictions": Kind.PREDICTIONS,
    "prediction": Kind.PREDICTIONS,
    "actuals": Kind.ACTUALS,
    "actual": Kind.ACTUALS,
}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One partition of a topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


def place_of(message: Message) -> Place:
    """Where a message stands."""
    topic, partition = message.topic(), message.partition()
    assert topic is not None, "a message without error has a place"
    assert partition is not None, "a message without error has a place"
    return Place(topic, partition)


def portions(messages: Iterable[Message], source: KafkaSource) -> list[Portion]:
    """The rows of messages with content, by kind and partition, in the order of their offsets.

    A message without a value (a tombstone) deletes a key of a compacted topic: it says nothing about an event.
    """
    found: dict[tuple[Kind, Place], list[Row]] = {}
    for message in messages:
        written = message.value()
        if written is not None:
            place = place_of(message)
            kind, row = _sorted_out(_row(message.offset() or 0, _bytes(written)), place.topic, source)
            found.setdefault((kind, place), []).append(row)
    return [Portion(kind=kind, name=str(place), rows=rows) for (kind, place), rows in found.items()]


def _row(offset: int, written: bytes) -> Row:
    if len(written) <= MAX_LINE_BYTES:
        return object_row(offset, written)
    start = written[:_SHOWN_BYTES]
    oversized = OversizedLine(start=start, size=len(written), fingerprint=hashlib.sha256(written).hexdigest())
    rejected = Rejected(QuarantineReason.TOO_LARGE, None, oversized.detail.replace("the line", "the message"))
    return Row(offset, None, start, len(start), rejected, oversized.fingerprint)


def _sorted_out(row: Row, topic: str, source: KafkaSource) -> tuple[Kind, Row]:
    """The row's kind; of a row that does not tell it, a verdict, and the kind under which it waits in quarantine."""
    declared = source.topics.get(topic, "mixed")
    if declared != "mixed":
        return Kind(declared), row
    if row.record is None:
        return Kind.PREDICTIONS, row
    return _told_by_field(row, source.kind_field) if source.kind_field else _told_by_columns(row)


def _told_by_field(row: Row, field: str) -> tuple[Kind, Row]:
    record = dict(row.record or {})
    said = record.pop(field, None)
    kind = _KIND_WORDS.get(said) if isinstance(said, str) else None
    if kind is not None:
        return kind, row._replace(record=record)
    reason = QuarantineReason.MISSING_FIELD if said is None else QuarantineReason.OUT_OF_RANGE
    detail = f"{field} must tell what the message is: predictions or actuals"
    return Kind.PREDICTIONS, row._replace(record=None, rejected=Rejected(reason, field, detail))


def _told_by_columns(row: Row) -> tuple[Kind, Row]:
    names = row.record or {}
    if "predicted_value" in names:
        return Kind.PREDICTIONS, row
    if "actual_value" in names or "retracted" in names:
        return Kind.ACTUALS, row
    detail = "no field predicted_value, actual_value or retracted tells what the message is"
    return Kind.PREDICTIONS, row._replace(record=None, rejected=Rejected(QuarantineReason.MISSING_FIELD, None, detail))


def _bytes(written: str | bytes) -> bytes:
    return written.encode() if isinstance(written, str) else written
