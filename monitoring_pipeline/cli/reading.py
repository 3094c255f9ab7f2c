"""What ``metrics`` and ``drift`` share: fetch, then print rows or say that there are none."""

from collections.abc import Sequence
from difflib import get_close_matches

import typer
from sqlalchemy import Engine, Table

from monitoring_pipeline.cli.output import Column, Row, print_json, print_table, say
from monitoring_pipeline.results.read import models_with_results

EXIT_NOT_ENOUGH_DATA = 5


def show(
    rows: Sequence[Row],
    *,
    as_json: bool,
    columns: Sequence[Column],
    engine: Engine,
    table: Table,
    model_id: str | None,
    noun: str,
) -> None:
    """Print the rows; with none, print an empty list, say what there is instead, and end with "not enough data"."""
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, columns)
    if not rows:
        say(_nothing_found(noun, model_id=model_id, known=models_with_results(engine, table)))
        raise typer.Exit(EXIT_NOT_ENOUGH_DATA)


def _nothing_found(noun: str, *, model_id: str | None, known: list[str]) -> str:
    if not known:
        return f"there are no {noun} yet; store events with 'monitor ingest', then compute with 'monitor reconcile'"
    if model_id is None or model_id in known:
        return f"no {noun} match; try another --from, --to, --grain or --segment"
    close = get_close_matches(model_id, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"there are no {noun} of a model {model_id!r}; models that have some: {', '.join(known)}{hint}"
