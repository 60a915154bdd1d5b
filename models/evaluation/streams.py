"""Cluster a stream of short texts in one pass, as a story stage would, to see what an encoder's vectors are worth.

In: words and centred unit vectors in the order of arrival. Out: a cluster id for each text. For measuring vectors:
nothing is forgotten and no story is dropped. Pure; imports numpy, models.protocols and models.evaluation.

A text d joins the story z with the highest score when that reaches `threshold`, else it opens one:

    score(d, z) = cos(x, C_z) + 0.2 (sum_w c_w / N_d ln(1 + n_zw / 0.03) - ln(1 + n_z / 240)) + 0.04 ln(max(m_z, 0.1))

x is the text's vector, C_z the mean direction of the story's, c_w how often the word w stands in the text, N_d the sum
of those, n_zw and n_z the story's counts of w and of all words, m_z its texts. Words that more than 5 % of the
stories + 20 have are skipped. The bracket is a multinomial's log likelihood under a Dirichlet prior, per word, as in
MStream (Yin et al., Model-based Clustering of Short Text Streams, KDD 2018).

    >>> same = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    >>> cluster_stream([["flood"], ["goal"], ["flood"]], same).tolist()
    [0, 1, 0]
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.protocols import FloatArray

JOIN_AT = 0.58
MICRO_BATCH = 64
WORD_WEIGHT, WORD_PRIOR, LENGTH_PRIOR = 0.2, 0.03, 240.0
SIZE_WEIGHT, SIZE_FLOOR = 0.04, 0.1
COMMON_SHARE, COMMON_FLOOR = 0.05, 20

Clusters = npt.NDArray[np.int64]

_NOISE = re.compile(r"(?:https?://|www\.)\S+|@\w+", re.IGNORECASE)
_RUN = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+(?:['\u2019][a-z]+)?", re.IGNORECASE)
_STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be because been before being but by can could did do does doing "
    "down during each few for from further had has have having he her here hers him his how i if in into is it its "
    "just me more most my no nor not now of off on once only or other our out over own rt same she should so some such "
    "than that the their them then there these they this those through to too under until up us very via was we were "
    "what when where which while who whom why will with would you your "
    "aren couldn didn doesn don hadn hasn haven isn ll shouldn ve wasn weren won wouldn".split()
)


def words_of(text: str) -> list[str]:
    """Return what counts as words: no links, mentions, stop words or single letters; hashtags as words; plural s cut.

    Chinese stands without spaces: its words are the pairs of neighbouring characters.

    >>> words_of("RT @me: #Floods in 重庆市 https://t.co/x")
    ['flood', '重庆', '庆市']
    """
    words: list[str] = []
    for run in _RUN.findall(_NOISE.sub(" ", text.lower())):
        if "\u3400" <= run[0] <= "\u9fff":
            words += [run[i : i + 2] for i in range(len(run) - 1)]
            continue
        word = re.split("['\u2019]", run)[0]
        if len(word) > 1 and word not in _STOP_WORDS:
            words.append(word[:-1] if _is_plural(word) else word)
    return words


def _is_plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))


def cluster_stream(
    words: Sequence[Sequence[str]], vectors: FloatArray, *, threshold: float = JOIN_AT
) -> Clusters:
    """Return the story of each text, numbered from 0 in the order in which stories open.

    `vectors` float32 [texts, width] are unit rows. One matrix product serves a micro-batch of 64; what changed within
    it is computed anew, so that the answer is the same as text by text.
    """
    stories = _Stories(len(words), vectors.shape[1])
    chosen = np.empty(len(words), np.int64)
    for first in range(0, len(words), MICRO_BATCH):
        batch = vectors[first : first + MICRO_BATCH]
        cosines = np.zeros((len(batch), stories.count + len(batch)), np.float32)
        cosines[:, : stories.count] = batch @ stories.directions().T
        changed: set[int] = set()
        for row, vector in enumerate(batch):
            fresh = sorted(changed)
            cosines[row, fresh] = stories.directions(fresh) @ vector
            counts = Counter(words[first + row])
            story = stories.best(cosines[row], counts, threshold=threshold)
            stories.add(story, counts, vector=vector)
            changed.add(story)
            chosen[first + row] = story
    return chosen


class _Stories:
    """Hold all stories: sums of vectors, counts of words by story, and which stories have a word."""

    def __init__(self, limit: int, width: int) -> None:
        self.count = 0
        self._sums = np.zeros((limit, width), np.float32)
        self._texts = np.zeros(limit, np.float32)
        self._lengths = np.zeros(limit, np.float32)
        self._having: defaultdict[str, dict[int, int]] = defaultdict(dict)

    def directions(self, chosen: Sequence[int] | None = None) -> FloatArray:
        """Return the unit mean directions of the `chosen` stories (all, where None) as rows."""
        sums = self._sums[: self.count] if chosen is None else self._sums[chosen]
        lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-9))
        unit: FloatArray = sums / lengths
        return unit

    def best(self, cosines: FloatArray, counts: Mapping[str, int], *, threshold: float) -> int:
        """Return the best story for a text, or the next free number where none reaches `threshold`."""
        if not self.count:
            return 0
        known = slice(0, self.count)
        likelihood = self._word_terms(counts) - np.log1p(self._lengths[known] / LENGTH_PRIOR)
        size = np.log(np.maximum(self._texts[known], SIZE_FLOOR))
        scores = cosines[known] + WORD_WEIGHT * likelihood + SIZE_WEIGHT * size
        winner = int(scores.argmax())
        return winner if scores[winner] >= threshold else self.count

    def _word_terms(self, counts: Mapping[str, int]) -> FloatArray:
        terms = np.zeros(self.count, np.float32)
        common = COMMON_SHARE * self.count + COMMON_FLOOR
        length = sum(counts.values())
        for word, times in counts.items():
            having = self._having.get(word)
            if having and len(having) <= common:
                stories = np.fromiter(having.keys(), np.int64, len(having))
                seen = np.fromiter(having.values(), np.float32, len(having))
                terms[stories] += times / length * np.log1p(seen / WORD_PRIOR)
        return terms

    def add(self, story: int, counts: Mapping[str, int], *, vector: FloatArray) -> None:
        """Put one text into `story`, which may be the next free number."""
        self.count = max(self.count, story + 1)
        self._sums[story] += vector
        self._texts[story] += 1
        self._lengths[story] += sum(counts.values())
        for word, times in counts.items():
            having = self._having[word]
            having[story] = having.get(story, 0) + times
