"""Score texts with a hub model alone, in place of the encoder that ships.

In: a `HubModel` of the settings. Out: a `TextScorer`: the classifier's head and a vector from its last hidden states;
of an encoder the vector alone. Imports no torch: models.engines.hub does.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import metadata

from contracts import telemetry
from contracts.scores import HeadScore
from contracts.timing import timed
from models.features.language import LanguageDecider, LanguageDecision
from models.features.text import clean_text
from models.hub.answering import answers, version_of
from models.hub.head import warn_generic
from models.hub.labels import LabelMap, check_poles, head_name, label_map
from models.hub.reading import HubReader, Reading
from models.hub.source import HubSource
from models.protocols import HeadInputs, TextHead, TextInput, TextScores
from models.scoring import packed_vectors, valence_of

DECIDING_PIECES = 512


class HubScorer:
    """Score texts with one hub model and, where there are any, further heads beside it."""

    def __init__(
        self,
        source: HubSource,
        *,
        head: str | None,
        labels: LabelMap | None,
        further: Sequence[TextHead] = (),
        batch_tokens: int | None = None,
    ) -> None:
        self._source = source
        self._head = head
        self._map = labels
        self._further = further
        self._decider = LanguageDecider()
        self._reader = HubReader(source, wants_vectors=True, batch_tokens=batch_tokens)

    @property
    def model_name(self) -> str:
        """Return the folder's or the model's name."""
        return self._source.model.model

    @cached_property
    def model_version(self) -> str:
        """Return the digest of files, settings and language tables, joined with those of the further heads."""
        own = version_of(self._source, readers=f"py3langid {metadata.version('py3langid')}")
        if not self._further:
            return own
        parts = [own, *(f"{head.name}={head.version}" for head in self._further)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @property
    def engine(self) -> str:
        """Return `pytorch`."""
        return "pytorch"

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Return the classifier's head first; an encoder has none."""
        own = {self._head: self._map.ours} if self._head and self._map else {}
        return own | {head.name: head.labels for head in self._further}

    @property
    def vector_width(self) -> int:
        """Return the width of the hidden states."""
        return self._source.described().width

    def start(self) -> None:
        """Load the model, the language tables and the further heads."""
        if self._head and self._map:
            warn_generic(self._head, self._map)
        self._reader.start()
        self._decider.start()
        for head in self._further:
            head.start()

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        """Score `texts`, in input order."""
        if not texts:
            return []
        with timed("forward"):
            reading = self._reader.read(texts)
        telemetry.CACHED.labels("miss").inc(len(texts))
        with timed("tokenise"):
            lines = [clean_text(text, token_limit=DECIDING_PIECES).text for text in texts]
            decisions = [
                self._decider.decide(line, text.lang_hint)
                for line, text in zip(lines, texts, strict=True)
            ]
        with timed("calibrate"):
            return self._answers(texts, lines, decisions=decisions, reading=reading)

    def _answers(
        self,
        texts: Sequence[TextInput],
        lines: Sequence[str],
        *,
        decisions: Sequence[LanguageDecision],
        reading: Reading,
    ) -> list[TextScores]:
        langs = [decision.lang for decision in decisions]
        heads: list[dict[str, HeadScore]] = [{} for _ in texts]
        if self._head and self._map:
            own = answers(reading, langs, labels=self._map, model=self._source.model)
            _add(heads, name=self._head, scores=own)
        inputs = HeadInputs(texts, lines, langs, reading.pooled, reading.embedding)
        for head in self._further:
            _add(heads, name=head.name, scores=head.score_batch(inputs))
        return [
            TextScores(
                lang=decision.lang,
                lang_probability=decision.probability,
                heads=scores,
                valence=valence_of(scores),
                vector=vector if tokens else b"",
                tokens=tokens,
                truncated=cut,
            )
            for decision, scores, vector, tokens, cut in zip(
                decisions,
                heads,
                packed_vectors(reading.embedding),
                reading.tokens,
                reading.cut,
                strict=True,
            )
        ]

    def close(self) -> None:
        """Free the model and the further heads."""
        for head in self._further:
            head.close()
        self._reader.close()


def build_hub_scorer(
    source: HubSource,
    *,
    head: str | None = None,
    further: Sequence[TextHead] = (),
    batch_tokens: int | None = None,
) -> HubScorer:
    """Return the scorer, not started; `head` names the classifier's head, else its labels decide the name.

    Raises `ModelInvalid` where labels and the settings' map do not fit.
    """
    folder = source.described()
    if not folder.is_classifier:
        return HubScorer(source, head=None, labels=None, further=further, batch_tokens=batch_tokens)
    labels = label_map(folder, source.model)
    name = head or head_name(labels.ours, folder.name)
    check_poles(name, labels.ours)
    return HubScorer(source, head=name, labels=labels, further=further, batch_tokens=batch_tokens)


def _add(heads: Sequence[dict[str, HeadScore]], *, name: str, scores: Sequence[HeadScore]) -> None:
    for row, score in zip(heads, scores, strict=True):
        row[name] = score
