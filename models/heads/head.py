"""Serve one head of a user's: what the encoder's vectors and a text's n-grams say of the user's own labels.

In: a stored head and, batch by batch, `HeadInputs`. Out: one `HeadScore` a text, abstained where it is out of scope.
Imports numpy, contracts and models.heads: neither scikit-learn nor torch.
"""

from collections.abc import Sequence

import numpy as np

from contracts.errors import ModelInvalid
from contracts.scores import HeadScore
from models.heads.joining import Factors, entropy, join
from models.heads.manifest import HeadManifest, head_digest
from models.heads.ngrams import Vocabulary
from models.heads.storage import StoredHead
from models.heads.weights import HeadScorer
from models.protocols import FloatArray, HeadInputs

PROBABILITY_DIGITS = 6


class OwnHead:
    """Answer with a user's own labels; a `TextHead`."""

    def __init__(self, stored: StoredHead) -> None:
        self._stored = stored
        self._scorer: HeadScorer | None = None
        self._vocabulary: Vocabulary | None = None

    @property
    def name(self) -> str:
        """Return the head's name."""
        return self.manifest.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the user's labels, in order of the alphabet."""
        return self.manifest.labels

    @property
    def version(self) -> str:
        """Return the digest of weights, labels, languages, factors and limit."""
        return head_digest(self.manifest)

    @property
    def manifest(self) -> HeadManifest:
        """Return what is known of the head beside its weights."""
        return self._stored.manifest

    def start(self) -> None:
        """Read and check the weights."""
        weights = self._stored.weights()
        self._scorer, self._vocabulary = HeadScorer(weights), weights.vocabulary

    def close(self) -> None:
        """Free the weights."""
        self._scorer = self._vocabulary = None

    def score_batch(self, batch: HeadInputs) -> list[HeadScore]:
        """Return one answer a text, in order; it abstains in languages not taught and where nothing is visible."""
        if not len(batch.lines):
            return []
        probabilities = self.shares(batch.pooled, batch.lines)
        doubt = entropy(probabilities)
        is_empty = np.array([not line.strip() for line in batch.lines])
        is_foreign = np.array([lang not in self.manifest.languages for lang in batch.langs])
        abstained = (doubt > np.float32(self.manifest.entropy_limit)) | is_empty | is_foreign
        table = np.round(probabilities.astype(np.float64), PROBABILITY_DIGITS).tolist()
        best = probabilities.argmax(axis=1).tolist()
        return [
            HeadScore(self.labels[at], row[at], abstains, dict(zip(self.labels, row, strict=True)))
            for row, at, abstains in zip(table, best, abstained.tolist(), strict=True)
        ]

    def shares(self, pooled: FloatArray, lines: Sequence[str]) -> FloatArray:
        """Return the probabilities [rows, labels]. Raises `ModelInvalid` on vectors of another width or not finite."""
        if self._scorer is None or self._vocabulary is None:
            raise ModelInvalid(f"head {self.name} was asked before start() or after close()")
        if pooled.shape != (len(lines), self.manifest.width):
            raise ModelInvalid(
                f"head {self.name} reads vectors of width {self.manifest.width}, the encoder gave {pooled.shape}:"
                " fit the head again"
            )
        factors = Factors(self.manifest.dense, self.manifest.sparse)
        sparse = self._scorer.sparse(self._vocabulary.rows(lines))
        answer = join(self._scorer.dense(pooled), sparse, factors=factors)
        if not np.isfinite(answer).all():
            raise ModelInvalid(f"head {self.name} got vectors that are not finite from the encoder")
        return answer


def open_own_head(stored: StoredHead, *, model_name: str, model_version: str) -> OwnHead:
    """Return the head, not started. Raises `ModelInvalid` where it was fitted on another encoder."""
    manifest = stored.manifest
    if manifest.model_version != model_version:
        raise ModelInvalid(
            f"head {manifest.name!r} was fitted on {manifest.model_name} {manifest.model_version}, the encoder is"
            f" {model_name} {model_version}: fit it again, hubbub models fit-head --data FILE --name {manifest.name},"
            " or take its encoder, by --model or the setting score.model"
        )
    return OwnHead(stored)
