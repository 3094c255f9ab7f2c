"""Knowledge time: when a published result became known. It never runs backwards, so the past stays as it was told."""

from collections.abc import Iterable

from sqlalchemy import Connection, Engine, insert, select, update

from monitoring_pipeline.clock import Clock
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.lake.ledger import serialize
from monitoring_pipeline.lake.tables import knowledge


def knowledge_time(connection: Connection, dataset: str, *, clock: Clock) -> int:
    """The instant at which what is about to be published becomes known; call after :func:`~.ledger.serialize`.

    It is taken when the turn has come, never earlier than one before it and later than any instant that :func:`settle`
    has promised about, even if this host's clock was set back: an answer as of a past instant never changes.
    """
    last = connection.scalar(select(knowledge.c.known_at).where(knowledge.c.dataset == dataset))
    now = clock() if last is None else max(clock(), last)
    _remember(connection, dataset, now, is_new=last is None)
    return now


def settle(engine: Engine, datasets: Iterable[str], *, instant: int) -> None:
    """Promise that nothing will be published as known at or before an instant.

    Publications that are under way are waited for. Writes only where nothing was published after the instant yet.

    Args:
        engine: the store.
        datasets: whose publications are meant.
        instant: in the past, microseconds UTC.
    """
    with reading(engine) as connection:
        known = {row.dataset: row.known_at for row in connection.execute(select(knowledge))}
    open_ones = sorted(dataset for dataset in datasets if known.get(dataset, -1) <= instant)
    if not open_ones:
        return
    with writing(engine) as connection:
        for dataset in open_ones:
            serialize(connection, dataset)
            last = connection.scalar(select(knowledge.c.known_at).where(knowledge.c.dataset == dataset))
            if last is None or last <= instant:
                _remember(connection, dataset, instant + 1, is_new=last is None)


def _remember(connection: Connection, dataset: str, known_at: int, *, is_new: bool) -> None:
    if is_new:
        connection.execute(insert(knowledge).values(dataset=dataset, known_at=known_at))
    else:
        connection.execute(update(knowledge).where(knowledge.c.dataset == dataset).values(known_at=known_at))
