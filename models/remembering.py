"""Remember whole answers, because crowds repeat themselves word for word.

In: a `TextScorer` and how many texts to remember. Out: a `TextScorer` that hands it only what it was not asked lately.
Pure; imports contracts, msgspec and models.

What two texts that differ in a link alone have in common is remembered further down (`models.forwarding`): here a text
is known by all that its answer may depend on, so that neither reading nor calibrating is done again. Kept as bytes, an
answer takes a third of what its objects would. All answers of a batch are of one engine.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from contracts.errors import ModelInvalid
from contracts.timing import timed
from models.cache import KEY_BYTES, Cache, Counts, count_texts
from models.protocols import TextInput, TextScorer, TextScores

# What an answer of the shipped heads takes; one of users' heads with a hundred labels takes more.
ANSWER_BYTES = 2048
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TextScores).decode


class RememberingScorer:
    """Answer with `scorer` (protocol `TextScorer`), or from memory: the last `limit` texts, or fewer of many labels."""

    def __init__(self, scorer: TextScorer, limit: int) -> None:
        self._scorer = scorer
        self._known: Cache[bytes] = Cache(limit * ANSWER_BYTES, size_of=len)
        self._known_by = ""

    @property
    def model_name(self) -> str:
        """Return the model's name."""
        return self._scorer.model_name

    @property
    def model_version(self) -> str:
        """Return the model's version."""
        return self._scorer.model_version

    @property
    def engine(self) -> str:
        """Return the engine's name."""
        return self._scorer.engine

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Return each head's labels."""
        return self._scorer.labels

    @property
    def vector_width(self) -> int:
        """Return the vectors' width."""
        return self._scorer.vector_width

    def start(self) -> None:
        """Start the scorer."""
        self._scorer.start()

    def close(self) -> None:
        """Forget everything and close the scorer."""
        self._known.clear()
        self._scorer.close()

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        """Score `texts`, in input order."""
        with timed("tokenise"):
            keys = [key_of_text(text) for text in texts]
        while True:
            engine = self._scorer.engine
            if engine != self._known_by:
                self._known.clear()
                self._known_by = engine
            answers, counts = self._answers(keys, texts)
            if self._scorer.engine == engine:
                # What had to be read is counted where it was.
                count_texts(counts._replace(miss=0))
                return [answers[key] for key in keys]

    def _answers(
        self, keys: Sequence[bytes], texts: Sequence[TextInput]
    ) -> tuple[dict[bytes, TextScores], Counts]:
        with timed("tokenise"):
            known = {key: kept for key in set(keys) if (kept := self._known.get(key)) is not None}
            answers = {key: _decode(kept) for key, kept in known.items()}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in answers}
        counts = Counts.of(keys, found=known, new=new)
        read = self._scorer.score_batch(list(new.values()))
        if len(read) != len(new):
            raise ModelInvalid(f"{len(new)} texts were to be scored, {len(read)} answers came back")
        with timed("calibrate"):
            for key, answer in zip(new, read, strict=True):
                answers[key] = answer
                self._known.put(key, _encode(answer))
        return answers, counts


def key_of_text(text: TextInput) -> bytes:
    """Return the digest of all that a score may depend on: 16 bytes of BLAKE2b.

    >>> key_of_text(TextInput(text="ab", title="c")) == key_of_text(TextInput(text="b", title="ca"))
    False
    """
    parts = (text.text, text.context, text.title, text.lang_hint or "")
    sizes = ",".join(str(len(part)) for part in parts)
    written = "".join((sizes, ";", *parts)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(written, digest_size=KEY_BYTES).digest()
