"""What every part of ``monitoring.yaml`` shares: unknown keys are refused, and what is read never changes."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Identifier = Annotated[str, Field(min_length=1, max_length=200)]


class Strict(BaseModel):
    """A mapping of the file, with the keys it may have."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def refuse_repeated(what: str, ids: list[str]) -> None:
    """Raise the error that names what was declared twice."""
    if repeated := sorted({i for i in ids if ids.count(i) > 1}):
        raise PydanticCustomError("repeated_id", "{what} used twice: {ids}", {"what": what, "ids": ", ".join(repeated)})
