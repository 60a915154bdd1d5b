"""Score texts: read, tokenize, batch, run, calibrate, answer.

In: `TextInput`s. Out: `TextScores` in input order. Joins models.features, a tokenizer, an `Engine` and calibration;
imports tokenizers lazily and knows no engine by name.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from contracts.errors import ModelInvalid
from contracts.scores import HeadScore, Span
from contracts.timing import timed
from models.calibration import Calibrated, HeadCalibrator, language_positions
from models.features.language import LanguageDecider, LanguageDecision
from models.features.text import clean_text, context_line
from models.forwarding import Forward, Forwarder
from models.lexicon.spans import Evidence, SpanFinder
from models.manifest import Manifest
from models.protocols import (
    EngineOutput,
    FloatArray,
    HeadInputs,
    TextHead,
    TextInput,
    TextScores,
)

SENTIMENT, EMOTION = "sentiment", "emotion"
FRAME = 2  # a begin and an end piece
PROBABILITY_DIGITS = 6


class InstalledModel(NamedTuple):
    """Hold a checked model: its folder, its manifest and its digest."""

    folder: Path
    manifest: Manifest
    version: str


class Reading(NamedTuple):
    """Hold what was read of one text: its normalised line and language, and its pieces up to the limit.

    `offsets` are the pieces' places in the line, `framed` the ids as the network reads them, `is_cut` whether there was
    more text.
    """

    line: str
    decision: LanguageDecision
    pieces: list[int]
    offsets: list[tuple[int, int]]
    framed: list[int]
    is_cut: bool


class EncoderScorer:
    """Score texts with one network of many heads; whatever the network is, the path around it is this one."""

    def __init__(
        self,
        model: InstalledModel,
        *,
        forwarder: Forwarder,
        decider: LanguageDecider,
        further: Sequence[TextHead] = (),
        spans: SpanFinder | None = None,
    ) -> None:
        self._model = model
        self._engine = forwarder.engine
        self._forwarder = forwarder
        self._decider = decider
        self._further = further
        self._spans = spans
        self._version = joined_version(model.version, further, spans=spans)
        self._tokenizer: Any = None
        self._calibrators = {
            head: HeadCalibrator(model.manifest.calibration.get(head, {}))
            for head in model.manifest.labels
        }

    @property
    def model_name(self) -> str:
        """Return the manifest's name."""
        return self._model.manifest.name

    @property
    def model_version(self) -> str:
        """Return the digest that the registry computed, joined with those of the lexicon and the further heads."""
        return self._version

    @property
    def engine(self) -> str:
        """Return the engine's name."""
        return self._engine.name

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Return each head's labels, the encoder's own first."""
        return self._model.manifest.labels | {head.name: head.labels for head in self._further}

    @property
    def vector_width(self) -> int:
        """Return the embedding's width."""
        return self._model.manifest.vector_width

    def start(self) -> None:
        """Load tokenizer, network and language tables."""
        # One process uses one core: workers scale by processes, and a shared pool would let them take each other's.
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        from tokenizers import Tokenizer

        path = self._model.folder / self._model.manifest.tokenizer
        try:
            self._tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # the library raises the bare class
            raise ModelInvalid(f"{path} is not a tokenizer: {error}") from error
        self._engine.start()
        self._decider.start()
        if self._spans is not None:
            self._spans.start()
        for head in self._further:
            head.start()

    def close(self) -> None:
        """Free tokenizer, network and further heads."""
        for head in self._further:
            head.close()
        self._tokenizer = None
        self._forwarder.close()
        self._engine.close()

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        """Score `texts`, in input order."""
        if self._tokenizer is None:
            raise ModelInvalid("score_batch was called before start() or after close()")
        if not texts:
            return []
        with timed("tokenise"):
            readings = self._read(texts)
        with timed("forward"):
            forward = self._forwarder.forward([reading.framed for reading in readings])
        with timed("calibrate"):
            answers = self._answers(texts, readings, forward=forward)
            if self._further:
                self._add_further(answers, further_inputs(texts, readings, output=forward.output))
        return answers

    def _add_further(self, answers: Sequence[TextScores], inputs: HeadInputs) -> None:
        for head in self._further:
            for answer, score in zip(answers, head.score_batch(inputs), strict=True):
                answer.heads[head.name] = score

    def _read(self, texts: Sequence[TextInput]) -> list[Reading]:
        limit = self._model.manifest.text.token_limit - FRAME
        cleaned = [clean_text(item, token_limit=limit) for item in texts]
        encodings = self._tokenizer.encode_batch(
            [clean.text for clean in cleaned], add_special_tokens=False
        )
        contexts = self._contexts(texts)
        readings = []
        for at, (item, clean, encoding) in enumerate(zip(texts, cleaned, encodings, strict=True)):
            pieces = encoding.ids[:limit]
            readings.append(
                Reading(
                    line=clean.text,
                    decision=self._decider.decide(clean.text, item.lang_hint),
                    pieces=pieces,
                    offsets=encoding.offsets[:limit],
                    framed=self._framed(pieces, contexts.get(at, [])),
                    is_cut=clean.is_cut or len(encoding.ids) > limit,
                )
            )
        return readings

    def _contexts(self, texts: Sequence[TextInput]) -> dict[int, list[int]]:
        """Return the last pieces of what came before, of those texts that have a context."""
        lines = {at: context_line(item.context) for at, item in enumerate(texts) if item.context}
        encodings = self._tokenizer.encode_batch_fast(
            list(lines.values()), add_special_tokens=False
        )
        limit = self._model.manifest.text.context_limit - FRAME
        return {
            at: each.ids[-limit:] if limit > 0 else []
            for at, each in zip(lines, encodings, strict=True)
        }

    def _framed(self, pieces: list[int], context: list[int]) -> list[int]:
        settings = self._model.manifest.text
        framed = [settings.begin_id, *pieces, settings.end_id]
        return [*framed, settings.end_id, *context, settings.end_id] if context else framed

    def _answers(
        self, texts: Sequence[TextInput], readings: Sequence[Reading], *, forward: Forward
    ) -> list[TextScores]:
        languages = language_positions([reading.decision.lang for reading in readings])
        is_empty = np.array([not reading.pieces for reading in readings])
        heads: list[dict[str, HeadScore]] = [{} for _ in readings]
        spans: list[tuple[Span, ...]] = [() for _ in readings]
        for head, labels in self._model.manifest.labels.items():
            calibrated = self._calibrators[head].calibrate(forward.output.logits[head], languages)
            answers = head_scores(calibrated, labels, is_empty=is_empty)
            for scores, answer in zip(heads, answers, strict=True):
                scores[head] = answer
            if head == EMOTION and self._spans is not None and forward.shares:
                spans = self._find_spans(
                    texts, readings, shares=forward.shares, calibrated=calibrated
                )
        vectors = packed_vectors(forward.output.embedding)
        return [
            TextScores(
                lang=reading.decision.lang,
                lang_probability=reading.decision.probability,
                heads=scores,
                valence=valence_of(scores),
                vector=vector if reading.pieces else b"",
                tokens=len(reading.pieces),
                truncated=reading.is_cut,
                emotion_spans=found,
            )
            for reading, scores, vector, found in zip(readings, heads, vectors, spans, strict=True)
        ]

    def _find_spans(
        self,
        texts: Sequence[TextInput],
        readings: Sequence[Reading],
        *,
        shares: Sequence[FloatArray],
        calibrated: Calibrated,
    ) -> list[tuple[Span, ...]]:
        finder = self._spans
        found: list[tuple[Span, ...]] = []
        for at, (item, reading) in enumerate(zip(texts, readings, strict=True)):
            if finder is None or calibrated.abstained[at] or not reading.pieces:
                found.append(())
                continue
            evidence = Evidence(
                pieces=reading.pieces,
                offsets=reading.offsets,
                # The frame's begin stands before the text's pieces.
                shares=shares[at][1 : len(reading.pieces) + 1],
                probabilities=calibrated.probabilities[at],
                best=int(calibrated.best[at]),
            )
            found.append(finder.find(item, reading.line, evidence=evidence))
        return found


def joined_version(version: str, further: Sequence[TextHead], *, spans: SpanFinder | None) -> str:
    """Return the model's digest, joined with those of the further heads and the lexicon where there are any."""
    parts = [version, *(f"{head.name}={head.version}" for head in further)]
    if spans is not None:
        parts.append(f"lexicon={spans.version}")
    if len(parts) == 1:
        return version
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def further_inputs(
    texts: Sequence[TextInput], readings: Sequence[Reading], *, output: EngineOutput
) -> HeadInputs:
    """Return what further heads may read; where the network pools nothing, its embedding stands for it."""
    return HeadInputs(
        inputs=texts,
        lines=[reading.line for reading in readings],
        langs=[reading.decision.lang for reading in readings],
        pooled=output.embedding if output.pooled is None else output.pooled,
        embedding=output.embedding,
    )


def head_scores(calibrated: Calibrated, labels: Sequence[str], *, is_empty: Any) -> list[HeadScore]:
    """Return one head's answers, one a row; a text without pieces (`is_empty` [rows]) always abstains.

    Raises `ModelInvalid` when a probability is not finite.
    """
    if not np.isfinite(calibrated.probabilities).all():
        raise ModelInvalid(
            f"the network gave probabilities that are not finite for {', '.join(labels)}"
        )
    table = np.round(calibrated.probabilities.astype(np.float64), PROBABILITY_DIGITS).tolist()
    abstained = (calibrated.abstained | is_empty).tolist()
    return [
        HeadScore(labels[best], row[best], abstains, dict(zip(labels, row, strict=True)))
        for row, best, abstains in zip(table, calibrated.best.tolist(), abstained, strict=True)
    ]


def valence_of(scores: Mapping[str, HeadScore]) -> float | None:
    """Return P(positive) - P(negative), or None where the sentiment head is missing or abstains."""
    sentiment = scores.get(SENTIMENT)
    if sentiment is None or sentiment.abstained or sentiment.probabilities is None:
        return None
    return round(
        sentiment.probabilities["positive"] - sentiment.probabilities["negative"],
        PROBABILITY_DIGITS,
    )


def packed_vectors(embedding: FloatArray) -> list[bytes]:
    """Return each unit row times 127, rounded, as int8 bytes."""
    width = embedding.shape[1]
    packed = np.rint(embedding * 127).astype(np.int8).tobytes()
    return [packed[at : at + width] for at in range(0, len(packed), width)]
