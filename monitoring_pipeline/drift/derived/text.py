"""Texts as three numeric columns: how like the reference, how many new words, how long."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.content import Rows, halves, text_hashes, text_keys
from monitoring_pipeline.drift.derived.reasons import UndefinedReason

SEED = 20130203
MOST_WORDS_KNOWN = 20_000
MOST_TEXTS_FITTED = 10_000
MOST_CHARACTERS_READ = 20_000
"""Of one text; with it a text of a megabyte costs no more than a long letter."""

_TEXTS_AT_ONCE = 256  # bounds memory
_LONGEST_WORD = 40  # characters; what is longer is cut, so that no vocabulary holds a megabyte

# Scripts written without spaces between words (Thai to Khmer, kana, Han): there each character is a word.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\\w){{1,{_LONGEST_WORD}}}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextReference:
    """What the texts of a reference speak about, learned from one half of them and measured on the other.

    The columns, all of a single text, are

    - ``similarity``: the cosine, in [0, 1], between the text's TF-IDF vector (1 + ln count, smoothed idf, over the
      known words) and the mean vector of the learned half; 0 for a text without a known word;
    - ``unknown_words``: the share of the text's words that the learned half never used; NaN without a word;
    - ``length``: characters.

    A word is a run of letters, digits and underscores, folded to lower case; in scripts without spaces, a character.
    Known are the 20,000 most frequent words of at most about 10,000 texts.

    It cannot see: the order and meaning of words (negation, irony, a synonym in place of a word); a shift between
    two topics that are equally near to the centre; emoji and punctuation, save by the length; what stands beyond a
    text's first 20,000 characters, save by the length.

    Attributes:
        reference_rows: which of the reference's texts were measured, as positions in the sequence given; of equal
            texts, which one of them depends on their order.
        reference_columns: the columns of these rows: what a window's columns are compared with.
        undefined: why ``similarity`` and ``unknown_words`` are missing everywhere; ``None`` if they are not.

    Source: Salton & Buckley (1988), "Term-weighting approaches in automatic text retrieval".
    """

    reference_rows: Rows
    reference_columns: dict[str, Floats]
    undefined: UndefinedReason | None
    _vocabulary: "_Vocabulary | None"
    _content_id: str

    @classmethod
    def fit(cls, texts: Sequence[str | None], seed: int = SEED) -> Self:
        """Prepare a reference; ``None`` means missing. The order of the texts does not matter.

        >>> reference = TextReference.fit(["a late train", "the late bus", "no train", "a bus is late"] * 10)
        >>> columns = reference.columns(["the train is late", "eine ganz andere Sprache", None])
        >>> [round(float(share), 2) for share in columns["unknown_words"]]
        [0.0, 1.0, nan]
        """
        hashes = text_hashes(texts)
        fitted, rest = halves(text_keys(hashes), seed=seed, most_fitted=MOST_TEXTS_FITTED)
        vocabulary, undefined = _learn([words for row in fitted if (words := _words(texts[row])) is not None])
        return cls(
            reference_rows=rest,
            reference_columns=_columns(vocabulary, [texts[row] for row in rest]),
            undefined=undefined,
            _vocabulary=vocabulary,
            _content_id=_content_id(hashes, seed),
        )

    def columns(self, texts: Sequence[str | None]) -> dict[str, Floats]:
        """``similarity``, ``unknown_words`` and ``length`` of each text; NaN where it is missing."""
        return _columns(self._vocabulary, texts)

    def content_id(self) -> str:
        """SHA-256 (hex) of the texts and the seed: equal for equal texts, whatever their order."""
        return self._content_id


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Vocabulary:
    """The known words, their weights and the mean direction of the texts they were learned from."""

    counter: Any  # sklearn.feature_extraction.text.CountVectorizer
    weights: Any  # sklearn.feature_extraction.text.TfidfTransformer
    centroid: Floats

    def similarity_and_unknown(self, words: list[list[str]]) -> tuple[Floats, Floats]:
        counts = self.counter.transform(words)
        known = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
        total = np.array([len(text) for text in words], dtype=np.float64)
        similarity = np.asarray(self.weights.transform(counts) @ self.centroid, dtype=np.float64)
        unknown = np.divide(total - known, total, out=np.full(len(words), np.nan), where=total > 0)
        return np.clip(similarity, 0.0, 1.0), unknown


def _words(text: str | None) -> list[str] | None:
    return None if text is None else _WORD.findall(text[:MOST_CHARACTERS_READ].casefold())


def _as_they_are(words: list[str]) -> list[str]:
    return words


def _learn(texts: list[list[str]]) -> tuple[_Vocabulary | None, UndefinedReason | None]:
    if not texts:
        return None, UndefinedReason.TOO_FEW_ROWS
    if not any(texts):
        return None, UndefinedReason.NO_WORDS
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer  # 1 s to import  # noqa: PLC0415

    counter = CountVectorizer(analyzer=_as_they_are, max_features=MOST_WORDS_KNOWN, dtype=np.float64)
    counts = counter.fit_transform(texts)
    weights = TfidfTransformer(sublinear_tf=True).fit(counts)
    centroid = np.asarray(weights.transform(counts).sum(axis=0), dtype=np.float64).ravel()
    return _Vocabulary(counter=counter, weights=weights, centroid=centroid / np.linalg.norm(centroid)), None


def _columns(vocabulary: _Vocabulary | None, texts: Sequence[str | None]) -> dict[str, Floats]:
    similarity, unknown = np.full(len(texts), np.nan), np.full(len(texts), np.nan)
    present = [row for row, text in enumerate(texts) if text is not None]
    if vocabulary is not None:
        for start in range(0, len(present), _TEXTS_AT_ONCE):
            rows = present[start : start + _TEXTS_AT_ONCE]
            similarity[rows], unknown[rows] = vocabulary.similarity_and_unknown(
                [_words(texts[row]) or [] for row in rows]
            )
    length = np.array([np.nan if text is None else len(text) for text in texts], dtype=np.float64)
    return {"similarity": similarity, "unknown_words": unknown, "length": length}


def _content_id(hashes: list[bytes], seed: int) -> str:
    digest = hashlib.sha256(f"drift-reference-1\0text\0{seed}\0".encode())
    digest.update(b"".join(sorted(hashes)))
    return digest.hexdigest()
