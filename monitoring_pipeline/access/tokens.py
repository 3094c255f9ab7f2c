"""Making, listing, revoking and recognising tokens.

A token has 256 random bits and is shown once. Only its SHA-256 is kept, so whoever reads the database cannot use it;
a slow hash would add nothing, since random bits cannot be guessed from a list of words.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, insert, select, update

from monitoring_pipeline.access.scopes import Caller, Grant
from monitoring_pipeline.access.tables import api_tokens
from monitoring_pipeline.clock import Clock
from monitoring_pipeline.database import reading, writing
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.windows import DAY_MICROS

PREFIX = "mlmon_"  # lets scanners for leaked secrets recognise a token
RANDOM_BYTES = 32
MOST_LIVE_PER_CLIENT = 2  # the old one and the new one, while a client is given the new one
DEFAULT_DAYS = 90
MOST_DAYS = 3_650
_MOST_CHARACTERS = 200  # nothing longer is looked at: refusing a token must cost next to nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as lists show it; the secret itself is not known any more.

    Args:
        token_id: names it.
        client: who holds it.
        digest: SHA-256 of the secret, hex.
        grants: what its holder may do.
        created_at: microseconds UTC.
        expires_at: from then on it is refused.
        revoked_at: from then on it is refused; ``None`` while nobody revoked it.
    """

    token_id: str
    client: str
    digest: str
    grants: tuple[Grant, ...]
    created_at: int
    expires_at: int
    revoked_at: int | None

    def is_live(self, now: int) -> bool:
        """Whether it still opens anything."""
        return self.revoked_at is None and now < self.expires_at


def create_token(
    engine: Engine, *, client: str, grants: tuple[Grant, ...], clock: Clock, days: int = DEFAULT_DAYS
) -> tuple[str, Token]:
    """A new token for a client, and the secret that is shown this once.

    Args:
        engine: the store.
        client: who will hold it.
        grants: what it may do.
        clock: what time it is.
        days: how long it lives.

    Raises:
        MonitorError: if the client's name is empty, nothing is granted, the life is no day or beyond ten years, or the
            client has two live tokens already.
    """
    if not client.strip() or not client.isprintable() or len(client) > 200:
        raise MonitorError("a token needs the name of its client, 1 to 200 printable characters")
    if not grants:
        raise MonitorError("a token needs at least one scope, such as events:append")
    if not 1 <= days <= MOST_DAYS:
        raise MonitorError(f"a token lives 1 to {MOST_DAYS} days, not {days}")
    secret = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    with writing(engine) as connection:
        now = clock()
        live = [token for token in _tokens(connection) if token.client == client and token.is_live(now)]
        if len(live) >= MOST_LIVE_PER_CLIENT:
            ids = " and ".join(token.token_id for token in live)
            raise MonitorError(f"{client} has {len(live)} live tokens already ({ids}); revoke one of them first")
        token = Token(
            token_id=secrets.token_hex(6),
            client=client,
            digest=digest_of(secret),
            grants=grants,
            created_at=now,
            expires_at=now + days * DAY_MICROS,
            revoked_at=None,
        )
        connection.execute(insert(api_tokens), _row(token))
    return secret, token


def list_tokens(engine: Engine) -> list[Token]:
    """All tokens that were ever made, by client and age."""
    with reading(engine) as connection:
        return _tokens(connection)


def revoke_token(engine: Engine, token_id: str, *, clock: Clock) -> Token:
    """Refuse a token from now on; servers notice within :data:`.book.REFRESH_SECONDS`.

    Raises:
        MonitorError: if there is no such token.
    """
    with writing(engine) as connection:
        found = {token.token_id: token for token in _tokens(connection)}.get(token_id)
        if found is None:
            # Not repeated: it may be a token that was pasted in place of its id.
            raise MonitorError("there is no token with that id; 'monitor token list' shows the ids")
        if found.revoked_at is None:
            of_token = api_tokens.c.token_id == token_id
            connection.execute(update(api_tokens).where(of_token).values(revoked_at=clock()))
        return next(token for token in _tokens(connection) if token.token_id == token_id)


def digest_of(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def recognise(tokens: list[Token], secret: str, *, now: int) -> Caller | None:
    """Whose token it is; ``None`` if nobody's, or expired or revoked.

    Every token is compared, each in constant time: how long it takes tells nothing about any of them.
    """
    if len(secret) > _MOST_CHARACTERS:
        return None
    digest = digest_of(secret)
    found: Token | None = None
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    if found is None or not found.is_live(now):
        return None
    return Caller(name=found.client, grants=found.grants)


def _tokens(connection: Connection) -> list[Token]:
    rows = connection.execute(select(api_tokens).order_by(api_tokens.c.client, api_tokens.c.created_at))
    return [_token(row) for row in rows]


def _token(row: Row[Any]) -> Token:
    grants = tuple(Grant.parse(text) for text in orjson.loads(row.grants))
    return Token(**{**row._asdict(), "grants": grants})


def _row(token: Token) -> dict[str, object]:
    return {
        "token_id": token.token_id,
        "client": token.client,
        "digest": token.digest,
        "grants": orjson.dumps([str(grant) for grant in token.grants]).decode(),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }
