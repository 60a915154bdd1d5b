"""A scorer without a network: every text gets the same empty answer.

In: texts. Out: `TextScores` without heads. For measuring everything around the model (`hubbub score --model identity`):
what remains of the throughput with it is the pipeline's own. Imports contracts and models.protocols alone.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from models.protocols import TextInput, TextScorer, TextScores

EMPTY_SCORES = TextScores(lang="other", lang_probability=0.0)
NO_LABELS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class IdentityScorer:
    """Answer every text with no heads, no vector and an undecided language."""

    @property
    def model_name(self) -> str:
        """Return `identity`."""
        return "identity"

    @property
    def model_version(self) -> str:
        """Return a constant: nothing decides these scores but this file."""
        return "identity-1"

    @property
    def engine(self) -> str:
        """Return `none`."""
        return "none"

    @property
    def labels(self) -> Mapping[str, tuple[str, ...]]:
        """Return no heads."""
        return NO_LABELS

    @property
    def vector_width(self) -> int:
        """Return 0: there is no vector."""
        return 0

    def start(self) -> None:
        """Load nothing."""

    def score_batch(self, texts: Sequence[TextInput]) -> list[TextScores]:
        """Return one shared empty answer for each text."""
        return [EMPTY_SCORES] * len(texts)

    def close(self) -> None:
        """Free nothing."""


def identity_scorer() -> TextScorer:
    """Return a ready scorer; `start` and `close` may be called and do nothing."""
    return IdentityScorer()
