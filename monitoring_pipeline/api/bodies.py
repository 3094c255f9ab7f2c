"""What bodies have in common, those that are sent and those that are answered."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


class Shown(BaseModel):
    """Something that an answer holds."""

    model_config = ConfigDict(protected_namespaces=(), ser_json_inf_nan="null")


class Sent(BaseModel):
    """A body that a caller sends; what it does not know it refuses."""

    model_config = ConfigDict(protected_namespaces=(), extra="forbid")


def _storable(text: str) -> str:
    """Text that every database takes.

    Raises:
        ValueError: for a NUL, or half of a character.
    """
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a NUL, or half of a character; neither can be stored")
    return text


Text = Annotated[str, AfterValidator(_storable)]
