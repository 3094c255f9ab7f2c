"""Small pictures for the metadata of daily partitions: how the day went, hour by hour.

Drawn only here, where people look; nothing that computes draws. The picture is embedded in the event, so it
must stay small (some 15 kB).
"""

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.shell import Metadata
from monitoring_pipeline.results.read import read_metrics
from monitoring_pipeline.stages.pipeline import Pipeline
from monitoring_pipeline.stages.report import ModelOutcome
from monitoring_pipeline.text import one_line
from monitoring_pipeline.windows import DAY_MICROS, Grain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What a person asks first of each task; the first that a model has is drawn.
HEADLINES = ("mae", "log_loss", "accuracy", "ndcg_at_k")

MAX_MODELS = 4
MAX_NAME_LENGTH = 60  # a longer title would leave the picture
HOURS = range(24)

Row = dict[str, Any]


def day_picture(pipeline: Pipeline, day: int, outcomes: Sequence[ModelOutcome]) -> Metadata:
    """Each model's headline metric by hour with its interval, above the share of predictions with truth.

    Args:
        pipeline: where the results are.
        day: start of the day, microseconds UTC.
        outcomes: the models of the day; the first few are drawn.
    """
    models = [outcome.model_id for outcome in outcomes][:MAX_MODELS]
    drawn = [(model_id, rows) for model_id in models if (rows := _headline(pipeline, model_id, day))]
    if not drawn:
        return {}
    from matplotlib.figure import Figure  # noqa: PLC0415 - a second to load, and most runs draw nothing

    figure = Figure(figsize=(7.2, 1.9 * len(drawn)), dpi=72, layout="constrained")
    for axes, (model_id, rows) in zip(figure.subplots(len(drawn), squeeze=False)[:, 0], drawn, strict=True):
        _draw(axes, model_id, rows)
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    data = base64.b64encode(png.getvalue()).decode()
    return {"by_hour": dg.MetadataValue.md(f"![by hour](data:image/png;base64,{data})")}


def _headline(pipeline: Pipeline, model_id: str, day: int) -> list[Row]:
    rows = read_metrics(
        pipeline.engine, model_id=model_id, grain=Grain.HOUR, start=day, end=day + DAY_MICROS, segment="all"
    )
    metric = next((name for name in HEADLINES if any(row["metric"] == name for row in rows)), None)
    wanted = [row for row in rows if row["metric"] == metric]
    # One line per picture: the group that most of the day's predictions belong to.
    counts: dict[tuple[str, str], int] = {}
    for row in wanted:
        group = (row["model_version"], row["environment"])
        counts[group] = counts.get(group, 0) + row["prediction_count"]
    busiest = max(counts, key=lambda group: (counts[group], group), default=None)
    return [row for row in wanted if (row["model_version"], row["environment"]) == busiest]


def _draw(axes: "Axes", model_id: str, rows: Sequence[Row]) -> None:
    hours = [int(row["window_start"][11:13]) for row in rows]
    share = axes.twinx()
    share.bar(hours, [row["coverage"] or 0.0 for row in rows], color="#d9dee3", width=0.9)
    share.set(ylim=(0, 1), yticks=[0, 1], yticklabels=["0 %", "100 %"])
    share.set_ylabel("with truth", fontsize=8, color="#7b8794")
    known = [(hour, row) for hour, row in zip(hours, rows, strict=True) if row["value"] is not None]
    bounded = [(hour, row) for hour, row in known if row["lower"] is not None and row["upper"] is not None]
    axes.vlines(
        [hour for hour, _ in bounded],
        [row["lower"] for _, row in bounded],
        [row["upper"] for _, row in bounded],
        color="#1f5fa8",
        linewidth=2,
        alpha=0.45,
    )
    # An hour without a value breaks the line: drawn through, it would look measured.
    values = {hour: row["value"] for hour, row in known}
    axes.plot(HOURS, [values.get(hour, math.nan) for hour in HOURS], "o-", color="#1f5fa8", markersize=3, lw=1)
    axes.set_zorder(share.get_zorder() + 1)
    axes.patch.set_visible(False)
    axes.set(xlim=(-0.6, 23.6), xticks=list(HOURS)[::3])
    # Identifiers are drawn as they are, on one line: "$" would be read as a formula.
    name = one_line(model_id, max_length=MAX_NAME_LENGTH).replace("$", r"\$")
    axes.set_title(f"{name}: {rows[0]['metric']} by hour (UTC), 95 % interval", fontsize=9, loc="left")
    for side in (axes, share):
        side.tick_params(labelsize=8)
        side.spines[["top"]].set_visible(False)
