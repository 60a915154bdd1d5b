"""The card says what its manifest says, an old one's too."""

import msgspec

from models.manifest import Manifest
from models.registry import locate_model, open_model
from models.training.card import model_card


def bundled() -> Manifest:
    return open_model(locate_model("bundled")).manifest


def test_a_manifest_from_before_sizes_were_kept_has_a_card_without_them() -> None:
    # Given the bundled model's manifest without what is kept today
    figures = tuple(msgspec.structs.replace(one, rarest=None) for one in bundled().figures)
    old = msgspec.structs.replace(
        bundled(), layers=0, attention_heads=0, likeness={}, untaught={}, figures=figures
    )
    # When its card is made
    card = model_card(old)
    # Then it claims no size, no likeness and no rarest class
    assert "A transformer reads a text once and answers every head." in card
    assert "Its vector has 384 numbers.\n" in card
    assert "| – |" in card
    # And says which heads never answer in which language
    assert "- `irony` in zh: always abstains\n" in card
    assert "- `emotion` in zh" not in card


def test_labels_without_training_rows_are_told_by_head_and_language() -> None:
    untaught = {
        "emotion": {"zh": ("optimism",)},
        "irony": {"zh": bundled().labels["irony"]},
    }
    card = model_card(msgspec.structs.replace(bundled(), untaught=untaught))
    assert "- `emotion` in zh: no training row of `optimism`\n" in card
    assert "- `irony` in zh: no training row; always abstains\n" in card


def test_likeness_stands_beside_the_size_of_a_vector() -> None:
    card = model_card(msgspec.structs.replace(bundled(), likeness={"en": 0.91234, "zh": 0.9}))
    assert "384 numbers; mean cosine to the base encoder's vectors, on development rows: " in card
    assert "en 0.912, zh 0.900." in card
