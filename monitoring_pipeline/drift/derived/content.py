"""Choosing rows by what they hold, so that the order of the rows never matters.

A row's key is a hash of its content and of how many equal rows came before it. The second part keeps equal rows
apart: by content alone all rows saying "ok" would come to the same half, and the halves would differ for no reason.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.drift.arrays import Floats

Keys = NDArray[np.uint64]
Rows = NDArray[np.intp]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)


def text_hashes(texts: Iterable[str | None]) -> list[bytes]:
    """32 bytes per text; all missing ones have the same. A broken text (a lone surrogate) is still a text."""
    return [
        hashlib.blake2b(b"" if text is None else b"\1" + text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        for text in texts
    ]


def text_keys(hashes: Sequence[bytes]) -> Keys:
    """The first eight bytes of each hash as a number."""
    return np.frombuffer(b"".join(digest[:8] for digest in hashes), dtype="<u8").astype(np.uint64)


def number_keys(values: Floats) -> Keys:
    """A hash per number: equal for equal numbers, 0.0 and -0.0 among them, and for any two NaN."""
    canonical = np.where(np.isnan(values), np.nan, values + 0.0)
    return _mixed(canonical.astype(np.float64).view(np.uint64))


def joined_keys(columns: Iterable[Keys], row_count: int) -> Keys:
    """A hash per row of several columns, in their order."""
    joined = np.zeros(row_count, dtype=np.uint64)
    for column in columns:
        joined = _mixed(joined + _STEP) ^ column
    return _mixed(joined)


def distinct_keys(keys: Keys, seed: int) -> Keys:
    """Keys of which equal rows have different ones: the seed and the number of equal rows before it are mixed in."""
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]
    positions = np.arange(keys.size)
    starts = np.append(True, ascending[1:] != ascending[:-1])[: keys.size]
    earlier = np.empty(keys.size, dtype=np.uint64)
    earlier[order] = (positions - np.maximum.accumulate(np.where(starts, positions, 0))).astype(np.uint64)
    salt = _mixed(np.full(1, seed % 2**64, dtype=np.uint64))
    return _mixed(_mixed(keys ^ salt) + _STEP * (earlier + np.uint64(1)))


def halves(keys: Keys, *, seed: int, most_fitted: int) -> tuple[Rows, Rows]:
    """Rows to learn from, and all others: every other row in the order of their keys.

    That is a simple random sample without replacement, so the others are to what was learned as new rows are.

    Args:
        keys: one per row; equal for equal rows.
        seed: another seed gives another choice.
        most_fitted: of very many rows, learn from at most about so many.
    """
    order = np.argsort(distinct_keys(keys, seed), kind="stable")
    fitted = np.zeros(keys.size, dtype=np.bool_)
    fitted[:: max(2, -(-keys.size // most_fitted))] = True
    return order[fitted], order[~fitted]


def _mixed(keys: Keys) -> Keys:
    """The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every input bit changes half of the output bits."""
    first = (keys ^ (keys >> _SHIFTS[0])) * _FACTORS[0]
    second = (first ^ (first >> _SHIFTS[1])) * _FACTORS[1]
    mixed: Keys = second ^ (second >> _SHIFTS[2])
    return mixed
