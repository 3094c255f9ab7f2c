"""``monitor token``: made once, shown once, listed without the secret, revoked."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from monitoring_pipeline.access.tokens import list_tokens, recognise
from monitoring_pipeline.cli.main import app
from monitoring_pipeline.installation import open_installation
from tests.test_docs import keys_under


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)


def token(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["token", *arguments])


def test_the_secret_stands_alone_on_stdout_and_what_it_opens_on_stderr(tmp_path: Path) -> None:
    made = token("create", "--client", "fraud", "--scope", "events:append@fraud_*", "--scope", "pipes:read")
    listed = token("list")
    here = open_installation()

    secret = made.stdout.removesuffix("\n")
    caller = recognise(list_tokens(here.engine), secret, now=here.clock())
    here.engine.dispose()

    assert re.fullmatch(r"mlmon_[A-Za-z0-9_-]{43}", secret)
    assert caller is not None
    assert [str(grant) for grant in caller.grants] == ["events:append@fraud_*", "pipes:read"]
    assert re.fullmatch(
        r"token [0-9a-f]{12} of fraud: events:append@fraud_\*, pipes:read, until \S+Z; it is shown this once\n"
        r"send it as the header 'Authorization: Bearer TOKEN'; servers take it within 2 seconds\n"
        r"this is the first token: from now on every request needs one, also on loopback\n",
        made.stderr,
    )
    assert "fraud" in listed.stdout
    assert secret not in made.stderr + listed.stdout + listed.stderr
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]


def test_the_list_has_just_the_documented_keys_and_the_states() -> None:
    for client in ("a", "b"):
        token("create", "--client", client, "--scope", "admin", "--days", "7")
    first = json.loads(token("list", "--json").stdout)[0]["token_id"]

    revoked = token("revoke", first)
    rows = json.loads(token("list", "--json").stdout)

    assert re.fullmatch(rf"token {first} of a is revoked; servers refuse it within 2 seconds\n", revoked.stderr)
    assert [(row["client"], row["scopes"], row["state"]) for row in rows] == [
        ("a", ["admin"], "revoked"),
        ("b", ["admin"], "live"),
    ]
    assert all(set(row) == keys_under("monitor token list") for row in rows)


def test_without_tokens_the_list_says_how_to_make_one() -> None:
    listed, as_json = token("list"), token("list", "--json")

    assert (listed.stdout, listed.exit_code) == ("", 0)
    assert "monitor token create" in listed.stderr
    assert json.loads(as_json.stdout) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--client", "c"], 2, "--scope"),
        (["--client", "c", "--scope", "events"], 2, "there is no scope 'events'"),
        (["--client", "c", "--scope", "admin@"], 2, "names no model after @"),
        (["--client", "c", "--scope", "admin", "--days", "0"], 2, "--days"),
        (["--scope", "admin"], 2, "--client"),
        (["--client", "", "--scope", "admin"], 1, "needs the name of its client"),
    ],
)
def test_wrong_usage_makes_no_token(arguments: list[str], code: int, said: str) -> None:
    result = token("create", *arguments)

    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert json.loads(token("list", "--json").stdout) == []


def test_revoking_what_is_not_there_is_an_error_that_repeats_nothing() -> None:
    result = token("revoke", "mlmon_pasted_by_mistake")

    assert result.exit_code == 1
    assert "there is no token with that id" in result.stderr
    assert "pasted" not in result.stderr
