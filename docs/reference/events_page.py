"""``events.md``: every field of an event; the names come from the schema that ingest checks against."""

from collections.abc import Mapping

from event_meanings import ACTUAL, CONFIG, CONVENTIONS, EXAMPLES, INTRODUCTION, PREDICTION, Example, Field

from monitoring_pipeline.config.models import Task
from monitoring_pipeline.events.schema import ACTUAL_FIELDS, PREDICTION_FIELDS


def render() -> str:
    """The page.

    Raises:
        LookupError: if a field has no meaning or a meaning no field, or a task no example.
    """
    return "\n".join(
        [
            INTRODUCTION,
            _table("A prediction", PREDICTION, PREDICTION_FIELDS),
            _table("An actual", ACTUAL, ACTUAL_FIELDS),
            CONVENTIONS,
            "## Examples\n",
            f"With these models in `monitoring.yaml`:\n\n```yaml\n{CONFIG}```\n",
            *(_example(task, EXAMPLES[task.value]) for task in Task),
        ]
    )


def _table(title: str, fields: Mapping[str, Field], known: frozenset[str]) -> str:
    if fields.keys() != known:
        raise LookupError(f"{title} has the fields {sorted(known)}; event_meanings.py describes {sorted(fields)}")
    rows = [
        f"| `{name}` | {'yes' if field.default is None else 'no'} | {field.type} | {field.default or '–'} "
        f"| {field.meaning} |"
        for name, field in fields.items()
    ]
    return "\n".join(
        [f"## {title}\n", "| field | required | type | default | meaning |", "|---|---|---|---|---|", *rows, ""]
    )


def _example(task: Task, example: Example) -> str:
    ndjson = (f"```json\n{line}\n```\n" for line in example.ndjson)
    csv = (f"```csv\n{rows}\n```\n" for rows in example.csv)
    return "\n".join([f"### {task.value}\n", f"{example.about}\n", *ndjson, *csv])
