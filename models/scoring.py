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
from contracts.scores import HeadScore
from models.batching import pad_batch, plan_batches, rows_in_input_order
from models.calibration import Calibrated, HeadCalibrator, language_positions
from models.features.language import LanguageDecider, LanguageDecision
from models.features.text import clean_text
from models.manifest import Manifest
from models.protocols import (
    Engine,
    EngineOutput,
    FloatArray,
    HeadInputs,
    TextHead,
    TextInput,
    TextScores,
)

SENTIMENT = "sentiment"
PROBABILITY_DIGITS = 6


class InstalledModel(NamedTuple):
    """Hold a checked model: its folder, its manifest and its digest."""

    folder: Path
    manifest: Manifest
    version: str


class Reading(NamedTuple):
    """Hold what was read of one text: its normalised line and language, its pieces up to the limit, if there were more."""

    line: str
    decision: LanguageDecision
    pieces: list[int]
    is_cut: bool


class EncoderScorer:
    """Score texts with one network of many heads; whatever the network is, the path around it is this one."""

    def __init__(
        self,
        model: InstalledModel,
        *,
        engine: Engine,
        decider: LanguageDecider,
        further: Sequence[TextHead] = (),
    ) -> None:
        self._model = model
        self._engine = engine
        self._decider = decider
        self._further = further
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
        """Return the digest that the registry computed, joined with those of the further heads."""
        if not self._further:
            return self._model.version
        parts = [self._model.version, *(f"{head.name}={head.version}" for head in self._further)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

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
        self._tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        self._engine.start()
        self._decider.start()
        for head in self._further:
            head.start()

    def close(self) -> None:
        """Free tokenizer, network and further heads."""
        for head in self._further:
            head.close()
        self._tokenizer = None
        self._engine.close()

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        """Score `texts`, in input order."""
        if self._tokenizer is None:
            raise ModelInvalid("score_batch was called before start() or after close()")
        if not texts:
            return []
        readings = self._read(texts)
        output = self._forward([reading.pieces for reading in readings])
        answers = self._answers(readings, output)
        if self._further:
            self._add_further(answers, further_inputs(texts, readings, output=output))
        return answers

    def _add_further(self, answers: Sequence[TextScores], inputs: HeadInputs) -> None:
        for head in self._further:
            for answer, score in zip(answers, head.score_batch(inputs), strict=True):
                answer.heads[head.name] = score

    def _read(self, texts: Sequence[TextInput]) -> list[Reading]:
        settings = self._model.manifest.text
        limit, lowercase = settings.token_limit, settings.lowercase
        cleaned = [clean_text(item, token_limit=limit, lowercase=lowercase) for item in texts]
        encodings = self._tokenizer.encode_batch_fast(
            [clean.text for clean in cleaned], add_special_tokens=False
        )
        readings = []
        for item, clean, encoding in zip(texts, cleaned, encodings, strict=True):
            pieces = encoding.ids
            decision = self._decider.decide(clean.text, item.lang_hint)
            is_cut = clean.is_cut or len(pieces) > limit
            readings.append(Reading(clean.text, decision, pieces[:limit], is_cut))
        return readings

    def _forward(self, rows: Sequence[Sequence[int]]) -> EngineOutput:
        settings = self._model.manifest.text
        plan = plan_batches([len(row) for row in rows], token_budget=settings.token_budget)
        outputs = [
            self._engine.run(
                pad_batch([rows[i] for i in batch.positions], batch.width, pad_id=settings.pad_id)
            )
            for batch in plan
        ]
        logits = {
            head: rows_in_input_order(plan, [output.logits[head] for output in outputs])
            for head in self._model.manifest.labels
        }
        return EngineOutput(
            logits, rows_in_input_order(plan, [output.embedding for output in outputs])
        )

    def _answers(self, readings: Sequence[Reading], output: EngineOutput) -> list[TextScores]:
        languages = language_positions([reading.decision.lang for reading in readings])
        is_empty = np.array([not reading.pieces for reading in readings])
        heads: list[dict[str, HeadScore]] = [{} for _ in readings]
        for head, labels in self._model.manifest.labels.items():
            calibrated = self._calibrators[head].calibrate(output.logits[head], languages)
            for scores, answer in zip(
                heads, head_scores(calibrated, labels, is_empty=is_empty), strict=True
            ):
                scores[head] = answer
        vectors = packed_vectors(output.embedding)
        return [
            TextScores(
                lang=reading.decision.lang,
                lang_probability=reading.decision.probability,
                heads=scores,
                valence=valence_of(scores),
                vector=vector if reading.pieces else b"",
                tokens=len(reading.pieces),
                truncated=reading.is_cut,
            )
            for reading, scores, vector in zip(readings, heads, vectors, strict=True)
        ]


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
