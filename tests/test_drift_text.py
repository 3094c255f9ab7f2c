"""Texts and vectors as numeric columns: what they mean, that they keep their promises, and that nothing breaks them."""

import doctest
import importlib

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer

from monitoring_pipeline.drift.arrays import Floats
from monitoring_pipeline.drift.derived.content import distinct_keys, halves, number_keys, text_hashes, text_keys
from monitoring_pipeline.drift.derived.reasons import UndefinedReason
from monitoring_pipeline.drift.derived.text import TextReference
from monitoring_pipeline.drift.derived.vectors import NAMES, VectorReference

ZIPF = np.cumsum(1.0 / np.arange(1, 5001)) / np.sum(1.0 / np.arange(1, 5001))
AWKWARD_TEXTS: list[str | None] = [
    *("", " ", "\n\t", "!?!…", "🙂🙂", "a", "\ud800", "a\ud800b \udfff", "nul\0byte", None),
    *("ж" * 500, "Поезд опаздывает", "列车晚点了", "รถไฟมาช้า", "القطار متأخر", "ट्रेन लेट है", "İSTANBUL straße ǅ"),
    *("word " * 200_000, "x" * 1_000_000, "e\u0301" * 1000),
]
AWKWARD_VECTORS: list[object] = [
    *([], [1.0], [1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3]), np.array([1.0, 2.0, 3.0], dtype=np.float32)),
    *([0.0, 0.0, 0.0], [-0.0, 0.0, 0.0], [1e308, -1e308, 1e308], [5e-324, 0.0, 0.0]),
    *([float("nan"), 1.0, 2.0], [float("inf"), 1.0, 2.0], [10**400, 1, 2], [True, False, True]),
    *(["1", "2", "3"], [[1], [2], [3]], "123", None, 3.0, {"a": 1}, np.array([[1.0, 2.0, 3.0]]), np.array(["a"])),
]


def texts(generator: np.random.Generator, count: int, *, first_word: int = 0) -> list[str | None]:
    """Texts of words whose frequency follows Zipf's law."""
    lengths = generator.poisson(12, count) + 1
    words = iter((np.searchsorted(ZIPF, generator.random(lengths.sum())) + 10_000 + first_word).tolist())
    return [" ".join(f"w{next(words)}" for _ in range(length)) for length in lengths]


def tied_vectors(generator: np.random.Generator, count: int) -> Floats:
    """Eight dimensions, of which pairs go together."""
    half = generator.normal(size=(count, 4))
    return np.hstack([half, half + 0.3 * generator.normal(size=(count, 4))])


def ks_p_value(reference: Floats, window: Floats) -> float:
    present = reference[~np.isnan(reference)], window[~np.isnan(window)]
    return float(ks_2samp(*present, method="asymp").pvalue)


@pytest.mark.parametrize("module", ["content", "text", "vectors", "instants"])
def test_the_examples_in_the_docstrings_are_true(module: str) -> None:
    name = f"monitoring_pipeline.drift.derived.{module}"

    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_similarity_is_the_cosine_that_scikit_learn_finds_with_the_learned_half() -> None:
    generator = np.random.default_rng(1)
    sample = texts(generator, 400)
    reference = TextReference.fit(sample)
    window = texts(generator, 50)

    measured = set(reference.reference_rows.tolist())
    learned = [text for row, text in enumerate(sample) if row not in measured]
    oracle = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+").fit(learned)
    centroid = np.asarray(oracle.transform(learned).mean(axis=0)).ravel()
    expected = oracle.transform(window) @ centroid / np.linalg.norm(centroid)
    columns = reference.columns(window)

    assert columns["similarity"] == pytest.approx(expected, abs=1e-12)
    known = [np.mean([word in oracle.vocabulary_ for word in text.split()]) for text in window if text is not None]
    assert columns["unknown_words"] == pytest.approx(1 - np.array(known), abs=1e-12)


@pytest.mark.parametrize("n_window", [30, 100])
def test_without_drift_texts_raise_no_more_alarms_than_promised(n_window: int) -> None:
    generator = np.random.default_rng(n_window)

    alarms = {"similarity": 0, "unknown_words": 0, "length": 0}
    for _ in range(25):  # one reference's own luck must not decide
        reference = TextReference.fit(texts(generator, 200))
        for _ in range(4):
            for name, column in reference.columns(texts(generator, n_window)).items():
                alarms[name] += ks_p_value(reference.reference_columns[name], column) < 0.05

    # 100 windows at 5 %: five expected, and thirteen or more once in 700 times.
    assert max(alarms.values()) < 13


def test_many_equal_texts_are_no_drift_either() -> None:
    generator = np.random.default_rng(2)
    usual = ["ok", "ok thanks", "not ok at all", "please call me back", "thanks"]
    shares = [0.5, 0.2, 0.1, 0.1, 0.1]
    reference = TextReference.fit(generator.choice(usual, size=1000, p=shares).tolist())

    columns = [reference.columns(generator.choice(usual, size=200, p=shares).tolist()) for _ in range(50)]

    p_values = [ks_p_value(reference.reference_columns["similarity"], column["similarity"]) for column in columns]
    assert sum(p_value < 0.05 for p_value in p_values) <= 5


@pytest.mark.parametrize(
    ("window", "column"),
    [
        (texts(np.random.default_rng(3), 100, first_word=5000), "unknown_words"),  # a new vocabulary
        (texts(np.random.default_rng(4), 100, first_word=30), "similarity"),  # the same words, other ones frequent
        (["der Zug kommt heute wieder einmal viel zu spät"] * 100, "unknown_words"),  # another language
        (["列车晚点了"] * 100, "similarity"),  # another script
        (["🙂🙂🙂"] * 100, "similarity"),  # no words at all
    ],
)
def test_another_subject_language_or_script_is_seen_in_a_hundred_texts(window: list[str | None], column: str) -> None:
    reference = TextReference.fit(texts(np.random.default_rng(5), 1000))

    found = reference.columns(window)

    assert ks_p_value(reference.reference_columns[column], found[column]) < 1e-6


def test_scripts_without_spaces_are_read_by_character() -> None:
    reference = TextReference.fit(["列车晚点了", "飞机晚点了", "列车到了", "飞机到了"] * 5)

    unknown = reference.columns(["飞机晚点了", "列车很快", "bus"])["unknown_words"]

    assert unknown.tolist() == [0.0, 0.5, 1.0]


def test_any_text_has_columns_and_a_missing_one_is_missing_in_each() -> None:
    reference = TextReference.fit([*AWKWARD_TEXTS, *texts(np.random.default_rng(6), 50)])

    columns = reference.columns(AWKWARD_TEXTS)

    missing = np.array([text is None for text in AWKWARD_TEXTS])
    assert np.isnan(columns["similarity"]).tolist() == missing.tolist()
    assert np.isnan(columns["length"]).tolist() == missing.tolist()
    assert np.nanmax(columns["length"]) == 1_000_000
    assert (columns["similarity"][~missing] >= 0).all()
    assert (columns["similarity"][~missing] <= 1).all()
    wordless = np.isnan(columns["unknown_words"])
    assert [text for text, empty in zip(AWKWARD_TEXTS, wordless, strict=True) if empty] == [
        *("", " ", "\n\t", "!?!…", "🙂🙂", "\ud800", None)
    ]


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ([], UndefinedReason.TOO_FEW_ROWS),
        ([None] * 10, UndefinedReason.TOO_FEW_ROWS),
        (["", "!", "🙂"] * 10, UndefinedReason.NO_WORDS),
        (["one"], None),
    ],
)
def test_a_reference_without_words_says_so(sample: list[str | None], reason: UndefinedReason | None) -> None:
    reference = TextReference.fit(sample)

    assert reference.undefined is reason
    columns = reference.columns(["one word", None])
    assert np.isnan(columns["similarity"]).tolist() == [reason is not None, True]
    assert columns["length"][0] == 8


def test_the_order_of_texts_and_vectors_changes_nothing() -> None:
    generator = np.random.default_rng(7)
    sample = [*texts(generator, 300), *["same"] * 50, None, None]
    vectors: list[object] = [*tied_vectors(generator, 300).tolist(), *[[1.0] * 8] * 20, None, "no vector"]
    order = generator.permutation(len(sample))
    vector_order = generator.permutation(len(vectors))

    pairs: list[tuple[TextReference, TextReference] | tuple[VectorReference, VectorReference]] = [
        (TextReference.fit(sample), TextReference.fit([sample[row] for row in order])),
        (VectorReference.fit(vectors), VectorReference.fit([vectors[row] for row in vector_order])),
    ]

    for first, second in pairs:
        assert first.content_id() == second.content_id()
        for name, column in first.reference_columns.items():
            assert column.tobytes() == second.reference_columns[name].tobytes()


def test_another_text_another_vector_or_another_seed_is_another_reference() -> None:
    sample: list[str | None] = ["a", "b", "c", None]
    vectors = [[1.0, 2.0], [3.0, 4.0], None]

    text_ids = {TextReference.fit(content).content_id() for content in (sample, sample[:3], [*sample, ""])}
    vector_ids = {VectorReference.fit(content).content_id() for content in (vectors, vectors[:2], [[1.0], *vectors])}

    assert len(text_ids) == len(vector_ids) == 3
    assert TextReference.fit(sample, seed=1).content_id() not in text_ids


def test_the_halves_are_disjoint_and_whole_and_share_equal_rows_between_them() -> None:
    keys = text_keys(text_hashes(["same"] * 1000 + [f"row {number}" for number in range(1001)]))

    fitted, rest = halves(keys, seed=3, most_fitted=10_000)

    assert sorted([*fitted.tolist(), *rest.tolist()]) == list(range(2001))
    assert abs(fitted.size - rest.size) <= 1
    assert 420 < np.count_nonzero(fitted < 1000) < 580
    assert halves(keys, seed=3, most_fitted=100)[0].size <= 100
    assert np.unique(distinct_keys(keys, 3)).size == 2001


def test_equal_numbers_have_equal_keys_and_all_that_is_missing_is_alike() -> None:
    keys = number_keys(np.array([0.0, -0.0, np.nan, -np.nan, 1.0, np.nextafter(1.0, 2.0)]))

    assert keys[0] == keys[1]
    assert keys[2] == keys[3]
    assert np.unique(keys).size == 4


def test_vector_columns_are_those_of_scikit_learn_on_the_learned_half() -> None:
    generator = np.random.default_rng(8)
    sample, window = tied_vectors(generator, 600), tied_vectors(generator, 40)
    reference = VectorReference.fit(sample.tolist())

    learned = np.delete(sample, reference.reference_rows, axis=0)
    ascending = np.sort(learned, axis=0)
    scale = (ascending[3 * len(learned) // 4] - ascending[len(learned) // 4]) / 1.3489795

    def scaled(vectors: Floats) -> Floats:
        deviations: Floats = np.clip((vectors - ascending[len(learned) // 2]) / scale, -5, 5)
        return deviations

    oracle = PCA(n_components=0.65).fit(scaled(learned))
    rebuilt = oracle.inverse_transform(oracle.transform(scaled(window)))
    centre = learned.mean(axis=0)
    columns = reference.columns(window.tolist())

    assert columns["distance"] == pytest.approx(np.linalg.norm(scaled(window), axis=1), rel=1e-9)
    assert columns["reconstruction_error"] == pytest.approx(np.linalg.norm(scaled(window) - rebuilt, axis=1), rel=1e-9)
    cosine = window @ centre / np.linalg.norm(window, axis=1) / np.linalg.norm(centre)
    assert columns["cosine"] == pytest.approx(cosine, abs=1e-12)


def test_without_drift_vectors_raise_no_more_alarms_than_promised_even_with_few_rows_per_dimension() -> None:
    generator = np.random.default_rng(9)

    alarms = dict.fromkeys(NAMES, 0)
    for _ in range(40):
        reference = VectorReference.fit(list(generator.normal(size=(100, 32))))
        for _ in range(5):
            for name, column in reference.columns(list(generator.normal(size=(50, 32)))).items():
                alarms[name] += ks_p_value(reference.reference_columns[name], column) < 0.05

    assert max(alarms.values()) < 20


def test_vectors_whose_dimensions_no_longer_go_together_are_seen() -> None:
    generator = np.random.default_rng(10)
    reference = VectorReference.fit(tied_vectors(generator, 1000).tolist())
    window = tied_vectors(generator, 100)
    window[:, 4:] = window[generator.permutation(100), 4:]

    error = reference.columns(window.tolist())["reconstruction_error"]

    assert ks_p_value(reference.reference_columns["reconstruction_error"], error) < 1e-6


def test_what_is_no_vector_of_the_right_length_is_missing_and_any_vector_has_columns() -> None:
    sample: list[object] = [*np.random.default_rng(11).normal(size=(40, 3)).tolist(), *AWKWARD_VECTORS]
    reference = VectorReference.fit(sample)

    columns = reference.columns(AWKWARD_VECTORS)

    for column in columns.values():
        assert np.flatnonzero(~np.isnan(column)).tolist() == list(range(2, 10))
    assert columns["cosine"][6] == 0.0
    assert np.nanmax(columns["distance"]) <= 5 * np.sqrt(3) + 1e-12


@pytest.mark.parametrize("sample", [[], [None, "x"], [[]] * 50, [[1.0, 2.0]] * 5])
def test_too_few_vectors_are_a_reason_and_not_a_number(sample: list[object]) -> None:
    reference = VectorReference.fit(sample)

    assert reference.undefined is UndefinedReason.TOO_FEW_ROWS
    assert all(np.isnan(column).all() for column in reference.columns([[1.0, 2.0]]).values())


@pytest.mark.parametrize("value", [0.0, 1.0, -1e308, 5e-324])
def test_a_constant_reference_still_sees_another_constant(value: float) -> None:
    reference = VectorReference.fit([[value, value]] * 60)

    columns = reference.columns([[value, value], [-3.0, 7.0]])

    assert columns["distance"][0] == 0.0
    assert columns["distance"][1] > 1.0
    assert columns["reconstruction_error"][0] == pytest.approx(0.0)
