"""The live tokens in memory, so that a request needs no query: read again every two seconds."""

import threading
import time
from collections.abc import Callable

from sqlalchemy import Engine

from monitoring_pipeline.access.scopes import ANYBODY, Caller
from monitoring_pipeline.access.tokens import Token, list_tokens, recognise
from monitoring_pipeline.clock import Clock

REFRESH_SECONDS = 2.0  # a revoked token opens nothing after this long


class TokenBook:
    """Who a request comes from.

    Args:
        engine: the store.
        clock: what time it is, for expiry.
        open_to_anybody: without any token, whoever reaches the server may do all; only for a server on loopback.
        timer: seconds that only grow, for the refresh.
    """

    def __init__(
        self, engine: Engine, *, clock: Clock, open_to_anybody: bool, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._open = open_to_anybody
        self._timer = timer
        self._tokens: list[Token] = []
        self._read_at: float | None = None
        self._reading = threading.Lock()

    @property
    def is_due(self) -> bool:
        """Whether the next question will read the tokens again, with a query."""
        return self._read_at is None or self._timer() - self._read_at >= REFRESH_SECONDS

    def refresh(self) -> None:
        """Read the tokens again if it is time to; whoever must not wait for a query calls this elsewhere before."""
        with self._reading:
            if self.is_due:
                now = self._timer()
                self._tokens = list_tokens(self._engine)
                self._read_at = now

    def caller(self, secret: str | None) -> Caller | None:
        """Who holds the token; ``None`` if it is missing where one is needed, or opens nothing."""
        if self.is_due:
            self.refresh()
        tokens = self._tokens
        # Revoked and expired tokens count: a server that once asked for tokens must not fall open with the last one.
        if self._open and not tokens:
            return ANYBODY
        return None if secret is None else recognise(tokens, secret, now=self._clock())
