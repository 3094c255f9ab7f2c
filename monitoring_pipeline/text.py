"""Text for people, made safe: names come from users, and a terminal, a log or a chat must not obey them."""

import unicodedata

MAX_TEXT_LENGTH = 500

# In chat, <!channel>, @everyone and [a](link) are commands; lookalikes are only characters.
_LOOKALIKES = str.maketrans({"<": "\u2039", ">": "\u203a", "[": "(", "]": ")", "@": "\uff20", "`": "'"})


def printable(text: str) -> str:
    """The text with a space for every line break, control and direction-changing character.

    >>> printable("eta\\x1b[2J\\nlate")
    'eta [2J late'
    """
    if text.isprintable():  # nearly all text, and a hundred times as fast
        return text
    return "".join(character if _is_printable(character) else " " for character in text)


def one_line(text: str, *, max_length: int = MAX_TEXT_LENGTH) -> str:
    """The printable text, cut to ``max_length``."""
    line = printable(text)
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def plain(text: str, *, max_length: int = MAX_TEXT_LENGTH) -> str:
    """One line in which nothing mentions, links or formats when a chat program shows it."""
    return one_line(text, max_length=max_length).translate(_LOOKALIKES)


def _is_printable(character: str) -> bool:
    # C*: control, format (also right-to-left overrides), surrogates; Zl, Zp: line and paragraph separators.
    category = unicodedata.category(character)
    return not category.startswith("C") and category not in {"Zl", "Zp"}
