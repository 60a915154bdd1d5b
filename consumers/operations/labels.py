"""The labels that a query may name: those of the model that scores.

In: settings. Out: heads and their labels, so that a misspelt label is refused when a watch is saved. Reads the model's
manifest, never its weights.
"""

from collections.abc import Collection, Mapping

from consumers.scoring.query.parser import HEADS
from contracts.settings import Settings
from models.registry import build_text_scorer


def known_heads(settings: Settings) -> Mapping[str, Collection[str]]:
    """Return each head with its labels; without labels, as with the identity model, any label is taken."""
    scorer = build_text_scorer(
        settings.score.model,
        home=settings.models.home,
        hub=settings.models,
        heads=settings.score.heads,
    )
    return {**HEADS, **scorer.labels}
