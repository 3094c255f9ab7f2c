"""The ledger says which output stands for which model's window, and from which input revision.

A stage reads its input revision *before* it reads the data and records it with its output in one
transaction. So a change that lands while the stage runs leaves the ledger behind, and the window is due
again; nothing has to be noticed at the right moment.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, select, text, tuple_

from monitoring_pipeline.lake.files import StoredFile
from monitoring_pipeline.lake.tables import partition_ledger as ledger
from monitoring_pipeline.windows import DAY_MICROS, HOUR_MICROS, Grain, floor


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One dataset's standing output for one model's window."""

    dataset: str
    model_id: str
    window_start: int
    revision: int
    checksum: str
    row_count: int
    byte_count: int = 0
    path: str | None = None

    @classmethod
    def of_file(
        cls, stored: StoredFile, *, dataset: str, model_id: str, window_start: int, revision: int
    ) -> "LedgerEntry":
        """The entry for a file that the lake has published."""
        return cls(
            dataset=dataset,
            model_id=model_id,
            window_start=window_start,
            revision=revision,
            checksum=stored.checksum,
            row_count=stored.row_count,
            byte_count=stored.byte_count,
            path=stored.path,
        )

    @property
    def key(self) -> tuple[str, int]:
        """Model and window, the key within one dataset."""
        return self.model_id, self.window_start


_FIELDS = tuple(LedgerEntry.__dataclass_fields__)

# Asked several times by every stage: made once, it costs a third of the time.
_ENTRIES = select(*(ledger.c[name] for name in _FIELDS)).where(
    ledger.c.dataset == bindparam("dataset"), ledger.c.window_start.between(bindparam("first"), bindparam("last"))
)
_ENTRIES_OF_MODEL = _ENTRIES.where(ledger.c.model_id == bindparam("model_id"))


def entries(
    connection: Connection, dataset: str, starts: Collection[int], *, model_id: str | None = None
) -> dict[tuple[str, int], LedgerEntry]:
    """The standing entries of a dataset for windows that start at ``starts``, by (model, window)."""
    if not starts:
        return {}
    wanted = set(starts)
    asked: dict[str, str | int] = {"dataset": dataset, "first": min(starts), "last": max(starts)}
    query = _ENTRIES
    if model_id is not None:
        query, asked["model_id"] = _ENTRIES_OF_MODEL, model_id
    rows = connection.execute(query, asked)
    found = (LedgerEntry(**dict(zip(_FIELDS, row, strict=True))) for row in rows if row.window_start in wanted)
    return {entry.key: entry for entry in found}


def day_sources(
    connection: Connection, dataset: str, days: Collection[int], *, model_id: str | None = None
) -> dict[tuple[str, int], LedgerEntry]:
    """What a day is merged from: one entry per (model, day) that stands for all its hours of a dataset.

    Its revision is the sum of the hours' revisions: they only grow, so it changes when any of them does.
    """
    if not days:
        return {}
    wanted = set(days)
    by_day: dict[tuple[str, int], list[LedgerEntry]] = defaultdict(list)
    hours = entries(connection, dataset, range(min(days), max(days) + DAY_MICROS, HOUR_MICROS), model_id=model_id)
    for entry in hours.values():
        if (day := floor(entry.window_start, Grain.DAY)) in wanted:
            by_day[entry.model_id, day].append(entry)
    return {
        (owner, day): LedgerEntry(
            dataset=dataset,
            model_id=owner,
            window_start=day,
            revision=sum(entry.revision for entry in of_day),
            checksum="",
            row_count=sum(entry.row_count for entry in of_day),
        )
        for (owner, day), of_day in by_day.items()
    }


def outstanding(
    sources: Mapping[tuple[str, int], LedgerEntry],
    standing: Mapping[tuple[str, int], LedgerEntry],
    *,
    only_due: bool,
) -> dict[str, list[LedgerEntry]]:
    """The inputs that a stage has to work on, by model and window.

    Args:
        sources: the stage's inputs.
        standing: the stage's outputs.
        only_due: leave out windows whose output already stands for the input's revision.
    """
    work: dict[str, list[LedgerEntry]] = defaultdict(list)
    for key in sorted(sources):
        if not (only_due and key in standing and standing[key].revision >= sources[key].revision):
            work[key[0]].append(sources[key])
    return work


def serialize(connection: Connection, dataset: str) -> None:
    """Let one transaction at a time publish a dataset, so that an older output never lands on a newer one.

    SQLite's write transactions are serial already; on PostgreSQL this is an advisory lock held to the
    transaction's end.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"publish {dataset}"})


def not_newer(connection: Connection, outputs: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The outputs that may be published: those that no output of a later revision already stands for."""
    if not outputs:
        return []
    standing = entries(connection, outputs[0].dataset, [o.window_start for o in outputs])
    return [o for o in outputs if o.key not in standing or standing[o.key].revision <= o.revision]


def publish(connection: Connection, outputs: Iterable[LedgerEntry], *, now: int) -> None:
    """Record outputs; call inside the transaction that writes them, after :func:`not_newer`."""
    rows = [{**{name: getattr(o, name) for name in _FIELDS}, "published_at": now} for o in outputs]
    for start in range(0, len(rows), 300):
        batch = rows[start : start + 300]
        keys = [(row["dataset"], row["model_id"], row["window_start"]) for row in batch]
        connection.execute(
            delete(ledger).where(tuple_(ledger.c.dataset, ledger.c.model_id, ledger.c.window_start).in_(keys))
        )
        connection.execute(insert(ledger), batch)


def forget(connection: Connection, dataset: str, model_id: str, starts: Collection[int]) -> None:
    """Forget that windows were computed, so that they are due again."""
    mine = (ledger.c.dataset == dataset, ledger.c.model_id == model_id)
    connection.execute(delete(ledger).where(*mine, ledger.c.window_start.in_(starts)))


def named_paths(connection: Connection) -> set[str]:
    """Every file that the ledger names, relative to the lake's root."""
    return set(connection.scalars(select(ledger.c.path).where(ledger.c.path.is_not(None))))
