"""Scopes: what a grant opens, on which models, and nothing besides."""

import re
import time
from fnmatch import translate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.access.scopes import ANYBODY, Caller, Grant, Scope
from monitoring_pipeline.errors import MonitorError


def test_a_grant_reads_back_as_it_is_written() -> None:
    for text in ("admin", "events:append", "events:append@fraud_*", "metrics:read@a@b"):
        assert str(Grant.parse(text)) == text
    assert Grant.parse(" pipes:read@* ") == Grant(scope=Scope.PIPES_READ)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no scope ''"),
        ("event:append", "did you mean 'events:append'?"),
        ("Admin", "there is no scope 'Admin'"),
        ("*", "there is no scope '*'"),
        ("events:append@", "names no model after @"),
        ("@fraud", "there is no scope ''"),
    ],
)
def test_what_is_no_scope_is_refused_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(MonitorError, match=re.escape(said)):
        Grant.parse(text)


@pytest.mark.parametrize("granted", list(Scope))
@pytest.mark.parametrize("wanted", list(Scope))
def test_a_scope_opens_itself_and_only_admin_opens_the_others(granted: Scope, wanted: Scope) -> None:
    caller = Caller(name="c", grants=(Grant(scope=granted),))

    assert caller.may(wanted, "any") is (granted in {wanted, Scope.ADMIN})
    assert caller.may(wanted) is caller.may_somewhere(wanted) is caller.may(wanted, "any")


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("fraud", ["fraud"], ["fraud_eu", "a_fraud", "Fraud", ""]),
        ("fraud_*", ["fraud_", "fraud_eu", "fraud_\n", "fraud_*"], ["fraud", "xfraud_eu", "FRAUD_eu"]),
        ("*_eu", ["_eu", "fraud_eu"], ["fraud_eu_2", "eu"]),
        ("a*b*c", ["abc", "axxbxxc", "abbc"], ["acb", "ab", "abcx"]),
        ("a*a", ["aa", "aba"], ["a", "ab"]),
        ("**", ["", "x"], []),
        ("model.v[12]?", ["model.v[12]?"], ["model.v1x", "modelxv[12]?", "model.v1"]),
        ("^a+$", ["^a+$"], ["a", "aa"]),
        ("\\d|x", ["\\d|x"], ["5", "x"]),
        ("ü*", ["über"], ["u\u0308ber"]),
    ],
)
def test_only_the_star_means_anything_in_a_model(pattern: str, inside: list[str], outside: list[str]) -> None:
    grant = Grant.parse(f"events:append@{pattern}")

    assert [model for model in inside if not grant.allows(Scope.EVENTS_APPEND, model)] == []
    assert [model for model in outside if grant.allows(Scope.EVENTS_APPEND, model)] == []


def test_a_grant_on_some_models_opens_no_work_that_concerns_all() -> None:
    caller = Caller(name="c", grants=(Grant.parse("metrics:read@fraud_*"), Grant.parse("metrics:read@eta")))

    assert not caller.may(Scope.METRICS_READ)
    assert caller.may_somewhere(Scope.METRICS_READ)
    assert not caller.may_somewhere(Scope.EVENTS_APPEND)
    assert caller.only_allowed(Scope.METRICS_READ, ["eta", "fraud_1", "churn"]) == ["eta", "fraud_1"]


def test_an_admin_of_some_models_is_none_of_the_others() -> None:
    caller = Caller(name="c", grants=(Grant.parse("admin@fraud_*"),))

    assert caller.may(Scope.EVENTS_APPEND, "fraud_1")
    assert not caller.may(Scope.ADMIN, "eta")
    assert not caller.may(Scope.ADMIN)


def test_whoever_is_on_the_machine_of_a_server_without_tokens_may_all() -> None:
    assert all(ANYBODY.may(scope) for scope in Scope)


@given(
    pattern=st.text("ab*", max_size=8).filter(bool),
    model=st.text("ab\n", max_size=10),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_stars_match_as_those_of_the_shell(pattern: str, model: str) -> None:
    expected = re.fullmatch(translate(pattern), model) is not None

    assert Grant(scope=Scope.ADMIN, models=pattern).allows(Scope.ADMIN, model) is expected


def test_many_stars_do_not_make_an_id_of_a_stranger_expensive() -> None:
    grant = Grant(scope=Scope.EVENTS_APPEND, models="*a" * 30 + "b")
    began = time.process_time()

    allowed = grant.allows(Scope.EVENTS_APPEND, "a" * 100_000)

    # Trying all ways would take longer than the universe is old; no figure is asserted but that it ends.
    assert not allowed
    assert time.process_time() - began < 60
