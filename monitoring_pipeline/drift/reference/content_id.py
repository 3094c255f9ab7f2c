"""Ids of references: SHA-256 of the content in a canonical form, the same whatever order the rows came in."""

import hashlib
from collections.abc import Mapping

from monitoring_pipeline.drift.arrays import Floats, Strata

# Part of every id: a change of the canonical form must not pass for the same reference.
_FORM = b"drift-reference-1"


def id_of_numbers(values: Floats, *, missing_count: int, row_strata: Strata | None, weights: Floats | None) -> str:
    """The id of ascending numbers, each with its stratum and weight if there are any."""
    digest = hashlib.sha256(_FORM + b"\0numeric\0")
    digest.update(missing_count.to_bytes(8, "little"))
    digest.update(values.astype("<f8").tobytes())
    for name, column, form in ((b"strata", row_strata, "<i8"), (b"weights", weights, "<f8")):
        if column is not None:  # so that a reference with neither keeps the id it always had
            digest.update(b"\0" + name + b"\0" + column.astype(form).tobytes())
    return digest.hexdigest()


def id_of_categories(counts: Mapping[str, int], *, missing_count: int) -> str:
    """The id of rows per category, in the order of the category's text."""
    digest = hashlib.sha256(_FORM + b"\0categorical\0")
    digest.update(missing_count.to_bytes(8, "little"))
    for category, count in counts.items():
        text = category.encode("utf-8", "surrogatepass")  # a broken text is still a category
        digest.update(len(text).to_bytes(8, "little") + text + count.to_bytes(8, "little"))
    return digest.hexdigest()
