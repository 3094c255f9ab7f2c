"""Threads that answer requests: fewer than the store has connections, so that ingest never waits for a reader.

Each answer holds a connection of the store while it reads. Whoever comes when all threads are busy waits for one of
them; the writer of events and the look at the tokens need none of them, and find a connection free.
"""

from anyio.to_thread import current_default_thread_limiter

MOST_THREADS = 10
"""Of 15 connections, as many as SQLAlchemy opens, five are left: for the tokens, and what runs besides. The writer has
its own."""


async def bound_threads() -> None:
    """Answer no more requests at once in threads of the running event loop."""
    current_default_thread_limiter().total_tokens = MOST_THREADS
