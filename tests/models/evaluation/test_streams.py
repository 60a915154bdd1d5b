"""A stream is clustered in one pass: near texts together, ids in the order of opening, batches without effect."""

from collections import Counter

import numpy as np
import pytest

from models.evaluation import streams
from models.evaluation.likeness import centred, normalized_mutual_information
from models.evaluation.streams import cluster_stream, words_of
from models.protocols import FloatArray

WIDTH = 16


def invented_stream(texts: int) -> tuple[list[list[str]], FloatArray, list[int]]:
    """Return words, vectors and true topics of texts around 12 topics, in a fixed order."""
    generator = np.random.default_rng(7)
    centres = generator.normal(size=(12, WIDTH))
    topics = generator.integers(0, 12, texts)
    vectors = centres[topics] + 0.3 * generator.normal(size=(texts, WIDTH))
    words = [
        [f"topic{topic}", *(f"word{w}" for w in generator.integers(0, 300, 4))] for topic in topics
    ]
    return words, centred(vectors.astype(np.float32)), topics.tolist()


def text_by_text(words: list[list[str]], vectors: FloatArray) -> list[int]:
    """Cluster by the formula of the module, written plainly, one text at a time."""
    sums: list[FloatArray] = []
    counts: list[Counter[str]] = []
    sizes: list[int] = []
    chosen = []
    for text, vector in zip(words, vectors, strict=True):
        scores = []
        for z in range(len(sums)):
            cosine = float(vector @ sums[z] / np.linalg.norm(sums[z]))
            likelihood = -np.log1p(counts[z].total() / 240)
            for word, times in Counter(text).items():
                if sum(word in other for other in counts) <= 0.05 * len(sums) + 20:
                    likelihood += times / len(text) * np.log1p(counts[z][word] / 0.03)
            scores.append(cosine + 0.2 * likelihood + 0.04 * np.log(max(sizes[z], 0.1)))
        best = int(np.argmax(scores)) if scores and max(scores) >= 0.58 else len(sums)
        if best == len(sums):
            sums.append(np.zeros(WIDTH, np.float32))
            counts.append(Counter())
            sizes.append(0)
        sums[best] = sums[best] + vector
        counts[best].update(text)
        sizes[best] += 1
        chosen.append(best)
    return chosen


def test_the_answer_is_that_of_the_formula_text_by_text() -> None:
    words, vectors, _ = invented_stream(300)
    assert cluster_stream(words, vectors).tolist() == text_by_text(words, vectors)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_a_micro_batch_changes_nothing(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, vectors, _ = invented_stream(300)
    expected = cluster_stream(words, vectors).tolist()
    monkeypatch.setattr(streams, "MICRO_BATCH", size)
    assert cluster_stream(words, vectors).tolist() == expected


def test_stories_are_numbered_as_they_open_and_follow_the_topics() -> None:
    words, vectors, topics = invented_stream(300)
    found = cluster_stream(words, vectors).tolist()
    firsts = list(dict.fromkeys(found))
    assert firsts == list(range(len(firsts)))
    assert normalized_mutual_information(list(map(str, topics)), found) > 0.8


def test_a_higher_threshold_opens_more_stories() -> None:
    words, vectors, _ = invented_stream(200)
    few, many = (cluster_stream(words, vectors, threshold=at).max() for at in (0.3, 3.0))
    assert few < many == 199


def test_texts_without_words_are_joined_by_their_vectors_alone() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    assert cluster_stream([[], [], [], []], vectors).tolist() == [0, 1, 0, 1]


def test_no_texts_have_no_stories() -> None:
    assert cluster_stream([], np.zeros((0, WIDTH), np.float32)).tolist() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Floods hit the cities!", ["flood", "hit", "citie"]),
        ("@user see https://x.y/z #BreakingNews", ["see", "breakingnew"]),
        ("the bus, a class, this virus", ["bus", "class", "virus"]),
        ("I don't, they won’t", []),
        ("暴雨 in 武汉市", ["暴雨", "武汉", "汉市"]),
        ("水", []),
        ("", []),
    ],
)
def test_words_have_no_links_mentions_stop_words_or_plural(text: str, words: list[str]) -> None:
    assert words_of(text) == words
