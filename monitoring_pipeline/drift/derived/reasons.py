"""Why something could not be learned from a reference."""

from enum import StrEnum


class UndefinedReason(StrEnum):
    """Why there is no value; then every value is missing, or ``None``."""

    TOO_FEW_ROWS = "too_few_rows"
    NO_WORDS = "no_words"  # of texts: none holds a letter or a digit
    NO_COLUMN_VARIES = "no_column_varies"  # of tables: all rows are alike, so nothing tells them apart
