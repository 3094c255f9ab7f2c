"""``monitor token``: who may use the HTTP API, and for what."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from monitoring_pipeline.access.book import REFRESH_SECONDS
from monitoring_pipeline.access.scopes import Grant
from monitoring_pipeline.access.tokens import DEFAULT_DAYS, MOST_DAYS, Token, create_token, list_tokens, revoke_token
from monitoring_pipeline.cli.columns import Column, Row, text
from monitoring_pipeline.cli.options import ConfigOption, JsonOption
from monitoring_pipeline.cli.output import print_json, print_table, say
from monitoring_pipeline.errors import MonitorError
from monitoring_pipeline.installation import open_installation
from monitoring_pipeline.windows import isoformat

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Examples:

    \b
      monitor token create --client producer --scope events:append
      monitor token list
      monitor token revoke 5f0c2d9a41be

    Make, list and revoke the tokens that 'monitor serve' takes.
    """,
)


def _scopes(row: Row) -> str:
    return ", ".join(row["scopes"])


def _minute(key: str) -> Callable[[Row], str]:
    """An instant for people; --json has it exactly."""
    return lambda row: "-" if row[key] is None else f"{row[key][:16].replace('T', ' ')}Z"


COLUMNS = (
    Column("token", text("token_id"), whole=True),
    Column("client", text("client"), whole=True),
    Column("scopes", _scopes),
    Column("state", text("state"), whole=True),
    Column("created", _minute("created_at")),
    Column("expires", _minute("expires_at")),
    Column("revoked", _minute("revoked_at"), optional=True),
)


@app.callback()
def _group() -> None:
    pass


@app.command("create", short_help="Make a token and print it, this once.")
def create_command(
    client: Annotated[str, typer.Option("--client", metavar="NAME", help="Who will hold it.")],
    scope: Annotated[
        list[str],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="What it opens: events:append, pipes:read, metrics:read or admin; with @MODELS only for these, "
            "'events:append@fraud_*'. May be given several times.",
        ),
    ],
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=MOST_DAYS, help="How long it lives.", show_default=True)
    ] = DEFAULT_DAYS,
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor token create --client producer --scope events:append
      monitor token create --client grafana --scope pipes:read --scope metrics:read --days 365
      TOKEN=$(monitor token create --client fraud-team --scope 'events:append@fraud_*')

    Make a token. It is printed to stdout alone, and never again: only its hash is kept. A client may hold two live
    tokens, so that the new one can be put in place before the old one is revoked.
    """
    grants = _grants(scope)
    here = open_installation(config)
    secret, token = create_token(here.engine, client=client, grants=grants, clock=here.clock, days=days)
    say(
        f"token {token.token_id} of {token.client}: {', '.join(map(str, token.grants))}, until "
        f"{isoformat(token.expires_at)}; it is shown this once"
    )
    typer.echo(secret)
    say(f"send it as the header 'Authorization: Bearer TOKEN'; servers take it within {REFRESH_SECONDS:g} seconds")
    if len(list_tokens(here.engine)) == 1:
        say("this is the first token: from now on every request needs one, also on loopback")


@app.command("list", short_help="The tokens, and what they open.")
def list_command(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Examples:

    \b
      monitor token list
      monitor token list --json

    Print every token that was ever made, by client. The tokens themselves are not known.
    """
    here = open_installation(config)
    rows = [_row(token, now=here.clock()) for token in list_tokens(here.engine)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, COLUMNS)
    else:
        say("there are no tokens; 'monitor token create --client NAME --scope events:append' makes one")


@app.command("revoke", short_help="Refuse a token from now on.")
def revoke_command(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="As list prints it; not the token itself.")],
    config: ConfigOption = None,
) -> None:
    """Examples:

    \b
      monitor token revoke 5f0c2d9a41be

    Revoke a token for ever. Servers that run notice within seconds.
    """
    here = open_installation(config)
    token = revoke_token(here.engine, token_id, clock=here.clock)
    say(f"token {token.token_id} of {token.client} is revoked; servers refuse it within {REFRESH_SECONDS:g} seconds")


def _grants(scopes: list[str]) -> tuple[Grant, ...]:
    """Each scope once, in the order given.

    Raises:
        typer.BadParameter: if there is no such scope, which is wrong usage.
    """
    try:
        return tuple(dict.fromkeys(Grant.parse(scope) for scope in scopes))
    except MonitorError as error:
        raise typer.BadParameter(str(error), param_hint="--scope") from None


def _row(token: Token, *, now: int) -> dict[str, Any]:
    return {
        "token_id": token.token_id,
        "client": token.client,
        "scopes": [str(grant) for grant in token.grants],
        "state": _state(token, now=now),
        "created_at": isoformat(token.created_at),
        "expires_at": isoformat(token.expires_at),
        "revoked_at": None if token.revoked_at is None else isoformat(token.revoked_at),
    }


def _state(token: Token, *, now: int) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "live" if token.is_live(now) else "expired"
