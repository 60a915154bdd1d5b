"""Judge an encoder's vectors: how near texts that mean alike lie, within a language and across the two.

In: a started `TextScorer`, a stream of texts with true clusters, and our sentences in two languages (`pairs/`). Out: a
`Likeness`. Uses the vectors as every stage gets them, int8 bytes. Imports contracts, numpy, models.protocols and
models.evaluation.

Vectors of language models tend to point one way, so they are centred on the mean of a sample before they are compared.
A running system has one such mean; the headline recall is centred so, and the other figure, with a mean for each
language, says how much of the loss is that offset alone.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.errors import InvalidInput
from models.evaluation.streams import JOIN_AT, cluster_stream, words_of
from models.protocols import FloatArray, TextInput, TextScorer

BATCH_TEXTS = 500
PAIRS_FILE = "en_zh.jsonl"
VECTOR_SCALE = 127.0


class Likeness(msgspec.Struct, frozen=True):
    """Hold the figures of one model's vectors, shares in 0...1.

    `nmi` and `clusters` are of the stream of `texts`, joined at `join_at`. `english_to_chinese` is recall at 1 among
    all Chinese sentences, `chinese_to_english` among the English ones, both centred on one mean; the figures
    `_by_language` on the mean of each language. `english_to_chinese_by_domain` parts the first by kind of sentence.
    `texts_a_second` is the speed of scoring the stream.
    """

    model_name: str
    model_version: str
    vector_width: int
    texts: int
    nmi: float
    clusters: int
    join_at: float
    english_to_chinese: float
    chinese_to_english: float
    english_to_chinese_by_language: float
    chinese_to_english_by_language: float
    english_to_chinese_by_domain: dict[str, float]
    texts_a_second: float


class Sentence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one Chinese sentence.

    `en` is its translation where it has one, `near` the pair (counted from 0) that it resembles but does not mean.
    """

    domain: str
    zh: str
    en: str | None = None
    near: int | None = None


class Hits(msgspec.Struct, frozen=True):
    """Hold which pairs were found, bool [pairs], in both directions; their mean is recall at 1."""

    english_to_chinese: npt.NDArray[np.bool_]
    chinese_to_english: npt.NDArray[np.bool_]


def judge_likeness(
    scorer: TextScorer,
    stream: Iterable[Mapping[str, Any]],
    *,
    field: str = "cluster",
    join_at: float = JOIN_AT,
) -> Likeness:
    """Cluster the stream's `text`, compare with `field`, and look for translations of our sentences.

    Raises `InvalidInput` when the scorer has no vectors or a row of the stream has no text or cluster.
    """
    if scorer.vector_width == 0:
        raise InvalidInput(f"{scorer.model_name} has no vectors to judge")
    texts, truth = _rows(stream, field=field)
    began = time.perf_counter()
    vectors = vectors_of(scorer, texts)
    seconds = time.perf_counter() - began
    found = cluster_stream(list(map(words_of, texts)), centred(vectors), threshold=join_at)
    sentences = read_pairs()
    english, chinese = _pair_vectors(scorer, sentences)
    joint = find_translations(english, chinese, mean_by_language=False)
    apart = find_translations(english, chinese, mean_by_language=True)
    return Likeness(
        model_name=scorer.model_name,
        model_version=scorer.model_version,
        vector_width=scorer.vector_width,
        texts=len(texts),
        nmi=round(normalized_mutual_information(truth, found.tolist()), 4),
        clusters=int(found.max()) + 1,
        join_at=join_at,
        english_to_chinese=_share(joint.english_to_chinese),
        chinese_to_english=_share(joint.chinese_to_english),
        english_to_chinese_by_language=_share(apart.english_to_chinese),
        chinese_to_english_by_language=_share(apart.chinese_to_english),
        english_to_chinese_by_domain=_by_domain(joint.english_to_chinese, sentences),
        texts_a_second=round(len(texts) / seconds, 1),
    )


def _rows(stream: Iterable[Mapping[str, Any]], *, field: str) -> tuple[list[str], list[str]]:
    texts, truth = [], []
    for number, row in enumerate(stream, 1):
        text, cluster = row.get("text"), row.get(field)
        if not isinstance(text, str) or cluster is None:
            raise InvalidInput(f"row {number} has no text or no {field!r}: {sorted(row)}")
        texts.append(text)
        truth.append(str(cluster))
    if not texts:
        raise InvalidInput(
            "the stream has no rows: expected JSON objects with a text and a cluster"
        )
    return texts, truth


def vectors_of(scorer: TextScorer, texts: Sequence[str]) -> FloatArray:
    """Return the scorer's vectors float32 [texts, width]; a row of zeros where a text has none."""
    out = np.zeros((len(texts), scorer.vector_width), np.float32)
    for first in range(0, len(texts), BATCH_TEXTS):
        part = [TextInput(text=text) for text in texts[first : first + BATCH_TEXTS]]
        for row, scores in enumerate(scorer.score_batch(part), first):
            if scores.vector:
                out[row] = np.frombuffer(scores.vector, np.int8) / VECTOR_SCALE
    return out


def centred(vectors: FloatArray, mean: FloatArray | None = None) -> FloatArray:
    """Return `vectors` minus `mean` (their own, where None), each of length 1; rows of zeros stay so.

    >>> centred(np.array([[3, 1], [1, 1]], np.float32)).tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """
    has_direction = vectors.any(axis=1, keepdims=True)
    if mean is None:
        mean = vectors.mean(axis=0)
    moved = np.where(has_direction, vectors - mean, 0).astype(np.float32)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    unit: FloatArray = np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0)
    return unit


def normalized_mutual_information(true: Sequence[str], found: Sequence[Any]) -> float:
    """Return I(true; found) over the arithmetic mean of both entropies; 1 where both are one cluster.

    >>> normalized_mutual_information(["a", "a", "b", "b"], [7, 7, 3, 3])
    1.0
    """
    _, rows = np.unique(np.asarray(true), return_inverse=True)
    _, columns = np.unique(np.asarray(found), return_inverse=True)
    joint = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(joint, (rows, columns), 1 / len(rows))
    left, right = joint.sum(axis=1), joint.sum(axis=0)
    entropies = _entropy(left) + _entropy(right)
    if entropies == 0:
        return 1.0
    shared = entropies - _entropy(joint.ravel())
    return float(np.clip(2 * shared / entropies, 0, 1))


def _entropy(shares: npt.NDArray[np.float64]) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())


def read_pairs() -> list[Sentence]:
    """Return our sentences: first those with an English translation, then the others."""
    source = resources.files("models.evaluation").joinpath("pairs", PAIRS_FILE)
    return msgspec.json.Decoder(Sentence).decode_lines(source.read_bytes())


def _pair_vectors(
    scorer: TextScorer, sentences: Sequence[Sentence]
) -> tuple[FloatArray, FloatArray]:
    english = [sentence.en for sentence in sentences if sentence.en is not None]
    chinese = [sentence.zh for sentence in sentences]
    return vectors_of(scorer, english), vectors_of(scorer, chinese)


def find_translations(english: FloatArray, chinese: FloatArray, *, mean_by_language: bool) -> Hits:
    """Say which sentences have their translation as the nearest sentence of the other language.

    Row i of `english` [pairs, width] translates row i of `chinese` [pairs and others, width]. From English all Chinese
    rows compete, from Chinese (the pairs alone) the English ones. The one mean is of both languages' rows together.
    """
    mean = None if mean_by_language else np.concatenate([english, chinese]).mean(axis=0)
    cosines = centred(english, mean) @ centred(chinese, mean).T
    right = np.arange(len(english))
    return Hits(cosines.argmax(axis=1) == right, cosines[:, right].argmax(axis=0) == right)


def _share(hits: npt.NDArray[np.bool_]) -> float:
    return round(float(hits.mean()), 4)


def _by_domain(hits: npt.NDArray[np.bool_], sentences: Sequence[Sentence]) -> dict[str, float]:
    domains = np.array([sentence.domain for sentence in sentences[: len(hits)]])
    return {name: _share(hits[domains == name]) for name in dict.fromkeys(domains.tolist())}
