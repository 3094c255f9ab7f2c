"""The fields of an event that a model gives a meaning, alone or combined into segments."""

from typing import Annotated

from pydantic import AfterValidator, Discriminator, Tag


def _no_equals_sign(name: str) -> str:
    if "=" in name or " & " in name:
        raise ValueError(
            f"{name!r} has an equals sign or an ampersand; results call a segment a=x, and a combination a & b=x & y, "
            "so a name cannot have them"
        )
    if name == "all":
        raise ValueError("'all' is what results call the whole of a model; rename the field")
    return name


SegmentName = Annotated[str, AfterValidator(_no_equals_sign)]


def _kind_of_segment(written: object) -> str:
    return "combination" if isinstance(written, list | tuple) else "field"


Segment = Annotated[
    Annotated[SegmentName, Tag("field")] | Annotated[list[SegmentName], Tag("combination")],
    Discriminator(_kind_of_segment),
]
"""A field whose values split the metrics, or a list of fields whose combinations do."""
