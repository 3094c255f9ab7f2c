"""Threads that answer requests: fewer than the store has connections, so that ingest never waits for a reader.

Each answer holds a connection of the store while it reads. Whoever comes when all threads are busy waits for one of
them; the look at the tokens, which ingest needs, too, does without them and finds a connection free. The writer of
events has connections of its own (see :func:`.same_store`).
"""

from anyio.to_thread import current_default_thread_limiter

MOST_THREADS = 10
"""Of 15 connections, as many as SQLAlchemy opens, five are left: for the tokens, and what runs besides."""


async def bound_threads() -> None:
    """Answer no more requests at once in threads of the running event loop."""
    current_default_thread_limiter().total_tokens = MOST_THREADS
