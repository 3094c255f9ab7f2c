"""Tokens: random, kept as hashes, compared in constant time, two at once, and none for ever."""

import hashlib
import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from monitoring_pipeline.access import book as book_module
from monitoring_pipeline.access import tokens as tokens_module
from monitoring_pipeline.access.book import REFRESH_SECONDS, TokenBook
from monitoring_pipeline.access.scopes import ANYBODY, Caller, Grant, Scope
from monitoring_pipeline.access.tables import api_tokens
from monitoring_pipeline.access.tokens import MOST_DAYS, Token, create_token, list_tokens, recognise, revoke_token
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.windows import DAY_MICROS
from tests.conftest import FixedClock

APPEND = (Grant(scope=Scope.EVENTS_APPEND),)


class Timer:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def made(engine: Engine, clock: FixedClock, client: str = "producer", days: int = 90) -> tuple[str, Token]:
    return create_token(engine, client=client, grants=APPEND, clock=clock, days=days)


def book_of(engine: Engine, clock: FixedClock, timer: Timer, *, is_open: bool = True) -> TokenBook:
    return TokenBook(engine, clock=clock, open_to_anybody=is_open, timer=timer)


def test_a_token_has_256_random_bits_and_only_its_hash_is_kept(engine: Engine, clock: FixedClock) -> None:
    secrets = [made(engine, clock, f"client {number}")[0] for number in range(20)]

    with engine.connect() as connection:
        kept = connection.execute(select(api_tokens)).all()

    assert len(set(secrets)) == 20
    assert all(re.fullmatch(r"mlmon_[A-Za-z0-9_-]{43}", secret) for secret in secrets)
    assert {row.digest for row in kept} == {hashlib.sha256(secret.encode()).hexdigest() for secret in secrets}
    assert not [secret for secret in secrets if secret.removeprefix("mlmon_") in repr(kept)]


def test_its_holder_is_recognised_with_what_was_granted(engine: Engine, clock: FixedClock) -> None:
    grants = (Grant.parse("events:append@fraud_*"), Grant.parse("pipes:read"))
    secret, token = create_token(engine, client="fraud", grants=grants, clock=clock)
    made(engine, clock)

    caller = recognise(list_tokens(engine), secret, now=clock())

    assert caller == Caller(name="fraud", grants=grants)
    assert token in list_tokens(engine)


def test_what_only_resembles_a_token_opens_nothing(engine: Engine, clock: FixedClock) -> None:
    secret, token = made(engine, clock)
    wrong = ["", secret[:-1], secret + "A", secret.upper(), token.digest, token.token_id, " " + secret, "\ud800", "\0"]

    opened = [text for text in wrong if recognise(list_tokens(engine), text, now=clock()) is not None]

    assert opened == []


def test_a_token_ends_at_the_very_instant_it_expires(engine: Engine, clock: FixedClock) -> None:
    secret, token = made(engine, clock, days=3)
    tokens = list_tokens(engine)

    last = recognise(tokens, secret, now=token.expires_at - 1)
    gone = recognise(tokens, secret, now=token.expires_at)

    assert token.expires_at == clock() + 3 * DAY_MICROS
    assert (last is not None, gone) == (True, None)


def test_two_tokens_of_a_client_live_at_once_and_a_third_waits_for_the_end_of_one(
    engine: Engine, clock: FixedClock
) -> None:
    old, first = made(engine, clock)
    new, _ = made(engine, clock)
    with pytest.raises(MonitorError, match=f"producer has 2 live tokens already .*{first.token_id}"):
        made(engine, clock)
    both = [recognise(list_tokens(engine), secret, now=clock()) is not None for secret in (old, new)]

    revoke_token(engine, first.token_id, clock=clock)
    third, _ = made(engine, clock)

    after = [recognise(list_tokens(engine), secret, now=clock()) is not None for secret in (old, new, third)]
    assert both == [True, True]
    assert after == [False, True, True]


def test_expired_tokens_make_room_for_new_ones(engine: Engine, clock: FixedClock) -> None:
    made(engine, clock, days=1)
    made(engine, clock, days=1)

    clock.advance(hours=24)

    assert made(engine, clock)[1].is_live(clock())


def test_revoking_again_changes_nothing_and_an_unknown_id_is_not_repeated(engine: Engine, clock: FixedClock) -> None:
    secret, token = made(engine, clock)
    first = revoke_token(engine, token.token_id, clock=clock)

    clock.advance(hours=1)
    again = revoke_token(engine, token.token_id, clock=clock)

    assert again == first == replace(token, revoked_at=first.revoked_at)
    with pytest.raises(MonitorError, match="there is no token with that id") as refused:
        revoke_token(engine, secret, clock=clock)
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client": " "}, "needs the name of its client"),
        ({"client": "a\nb"}, "printable"),
        ({"client": "c" * 201}, "1 to 200"),
        ({"grants": ()}, "at least one scope"),
        ({"days": 0}, "1 to 3650 days, not 0"),
        ({"days": MOST_DAYS + 1}, "not 3651"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(
    sqlite_engine: Engine, clock: FixedClock, changes: dict[str, Any], said: str
) -> None:
    wanted: dict[str, Any] = {"client": "c", "grants": APPEND, "days": 1}

    with pytest.raises(MonitorError, match=said):
        create_token(sqlite_engine, clock=clock, **{**wanted, **changes})

    assert list_tokens(sqlite_engine) == []


class Untouchable(str):
    """A digest that no early-ending comparison may look at: neither ``==`` nor the hash of a dictionary."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a digest was compared with ==")

    def __hash__(self) -> int:
        raise AssertionError("a digest was looked up")


def compares_in_constant_time(recogniser: Callable[..., Caller | None], tokens: list[Token], secret: str) -> bool:
    try:
        found = recogniser([replace(token, digest=Untouchable(token.digest)) for token in tokens], secret, now=0)
    except AssertionError:
        return False
    return found is not None


def test_digests_are_compared_in_constant_time_and_a_mutant_that_uses_equality_is_caught(
    sqlite_engine: Engine, clock: FixedClock
) -> None:
    secret, _ = made(sqlite_engine, clock)
    tokens = list_tokens(sqlite_engine)
    right = inspect.getsource(recognise)
    mutated = right.replace("hmac.compare_digest(token.digest, digest)", "token.digest == digest")
    names = dict(vars(tokens_module))

    exec(mutated, names)

    assert mutated != right
    assert names["recognise"](tokens, secret, now=0) == recognise(tokens, secret, now=0)  # it works, and yet
    assert not compares_in_constant_time(names["recognise"], tokens, secret)
    assert compares_in_constant_time(recognise, tokens, secret)


def test_a_revoked_token_opens_nothing_once_the_book_was_read_again(engine: Engine, clock: FixedClock) -> None:
    timer = Timer()
    secret, token = made(engine, clock)
    book = book_of(engine, clock, timer)
    before = book.caller(secret)

    revoke_token(engine, token.token_id, clock=clock)
    timer.now = REFRESH_SECONDS

    assert before is not None
    assert book.caller(secret) is None
    assert REFRESH_SECONDS <= 2


def test_expiry_needs_no_reading(engine: Engine, clock: FixedClock) -> None:
    secret, _ = made(engine, clock, days=1)
    book = book_of(engine, clock, Timer())

    before = book.caller(secret)
    clock.advance(hours=24)

    assert (before is not None, book.caller(secret)) == (True, None)


def test_a_new_token_opens_once_the_book_was_read_again(engine: Engine, clock: FixedClock) -> None:
    timer = Timer()
    made(engine, clock, "other")
    book = book_of(engine, clock, timer)
    book.caller(None)

    secret, _ = made(engine, clock)
    timer.now = REFRESH_SECONDS

    found = book.caller(secret)
    assert found is not None
    assert found.name == "producer"


def test_without_tokens_only_a_server_on_loopback_is_open(engine: Engine, clock: FixedClock) -> None:
    timer = Timer()

    assert book_of(engine, clock, timer).caller(None) == ANYBODY
    assert book_of(engine, clock, timer, is_open=False).caller(None) is None


def test_a_server_that_once_asked_for_tokens_does_not_fall_open_with_the_last_one(
    engine: Engine, clock: FixedClock
) -> None:
    _, token = made(engine, clock)
    revoke_token(engine, token.token_id, clock=clock)

    assert book_of(engine, clock, Timer()).caller(None) is None


def test_a_row_that_was_changed_by_hand_to_a_scope_that_does_not_exist_opens_nothing(
    engine: Engine, clock: FixedClock
) -> None:
    secret, _ = made(engine, clock)
    with engine.begin() as connection:
        connection.execute(update(api_tokens).values(grants='["everything"]'))

    with pytest.raises(MonitorError, match="there is no scope 'everything'"):
        book_of(engine, clock, Timer()).caller(secret)


def test_wrong_tokens_cost_no_query_and_long_ones_no_hash(
    engine: Engine, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(engine, clock)
    readings, hashed = [], []

    def counted_reading(store: Engine) -> list[Token]:
        readings.append(store)
        return list_tokens(store)

    def counted_digest(secret: str, digest: Callable[[str], str] = tokens_module.digest_of) -> str:
        hashed.append(len(secret))
        return digest(secret)

    monkeypatch.setattr(book_module, "list_tokens", counted_reading)
    monkeypatch.setattr(tokens_module, "digest_of", counted_digest)
    book = book_of(engine, clock, Timer())

    for number in range(1_000):
        book.caller(f"mlmon_{number}")
    book.caller("x" * 10_000_000)

    assert len(readings) == 1
    assert max(hashed) < 100
