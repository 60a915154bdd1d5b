"""The yardstick: learns from one file, answers another, and never learns what it is asked."""

import sys

import numpy as np
import pytest

from contracts.errors import InvalidInput, MissingExtra
from models.evaluation.baseline import baseline_shares, check_installed, is_chinese
from models.evaluation.rows import LabelledText
from models.protocols import TextInput

POSITIONS = {"good": 1, "bad": 0, "so-so": 2}
WORDS = {
    "good": ["very good and nice", "nice and good", "so nice", "非常好，喜欢", "喜欢，很好"],
    "bad": ["very bad and ugly", "ugly and bad", "so ugly", "非常差，讨厌", "讨厌，很差"],
}
TRAINING = [
    LabelledText(TextInput(text=text), label, None)
    for label, texts in WORDS.items()
    for text in texts * 3
]


def asked(*texts: str) -> list[LabelledText]:
    return [LabelledText(TextInput(text=text), "good", None) for text in texts]


def test_both_languages_are_learnt() -> None:
    pytest.importorskip("sklearn")
    judged = asked("a nice good day", "an ugly bad day", "我喜欢", "我讨厌")
    shares = baseline_shares(TRAINING, judged, positions=POSITIONS, classes=3)
    assert shares.argmax(1).tolist() == [1, 0, 1, 0]
    assert shares.sum(1) == pytest.approx(np.ones(4))
    # The class that no training row has gets nothing
    assert shares[:, 2].tolist() == [0, 0, 0, 0]


def test_a_language_without_training_rows_is_answered_evenly() -> None:
    pytest.importorskip("sklearn")
    training = [row for row in TRAINING if not is_chinese(row.item.text)]
    shares = baseline_shares(training, asked("nice", "我讨厌"), positions=POSITIONS, classes=2)
    assert shares[1].tolist() == [0.5, 0.5]
    assert shares[0, 1] > 0.5


def test_what_is_asked_is_never_learnt() -> None:
    judged = [row for row in TRAINING if row.label == "bad"]
    with pytest.raises(InvalidInput, match="rows to learn from, of fewer than two classes"):
        baseline_shares(TRAINING, judged, positions=POSITIONS, classes=2)


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtra, match="pip install 'hubbub"):
        check_installed()
