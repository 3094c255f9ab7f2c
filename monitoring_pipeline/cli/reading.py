"""What the reading commands share: print rows, or say that there are none and what there is instead."""

from collections.abc import Sequence
from difflib import get_close_matches

import typer
from sqlalchemy import Engine, Table

from monitoring_pipeline.cli.columns import Column, Row
from monitoring_pipeline.cli.output import print_json, print_table, say
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
    impossible: str | None = None,
) -> None:
    """Print the rows; with none, print an empty list, say what there is instead, and end with "not enough data".

    ``impossible`` says why there can be no rows, where there never were any (of the model that is asked for).
    """
    if as_json:
        print_json(rows)
    elif rows:
        print_table(rows, columns)
    if not rows:
        known = models_with_results(engine, table)
        never = impossible if not known or (model_id is not None and model_id not in known) else None
        say(never or _nothing_found(noun, model_id=model_id, known=known))
        raise typer.Exit(EXIT_NOT_ENOUGH_DATA)


def _nothing_found(noun: str, *, model_id: str | None, known: list[str]) -> str:
    if not known:
        return f"there are no {noun} yet; store events with 'monitor ingest', then compute with 'monitor reconcile'"
    if model_id is None or model_id in known:
        return f"no {noun} match; try another --from, --to, --grain or --segment, or fewer filters"
    some = f"models that have some: {', '.join(known)}{guess(model_id, known)}"
    return f"there are no {noun} of a model {model_id!r}; {some}"


def guess(model_id: str, known: Sequence[str]) -> str:
    """The end of a sentence about an unknown model: which one was probably meant, if any is close."""
    close = get_close_matches(model_id, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
