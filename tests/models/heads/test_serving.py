"""Further heads beside the bundled encoder: served by name, part of the version, refused where they do not fit."""

from pathlib import Path

import pytest

from consumers.operations.labels import known_heads
from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from contracts.settings import ModelSettings, load
from models.protocols import TextInput, TextScorer
from models.registry import build_text_scorer
from tests.models.heads.making import LABELS, make_head, make_served

TEXTS = [TextInput(text=text) for text in ("I want my money back", "", "我的卡丢了", "a" * 5000)]


def test_a_head_answers_beside_the_encoder_s_own(tmp_path: Path) -> None:
    # Given a head that was fitted on the bundled encoder
    make_served(tmp_path)
    plain = build_text_scorer("bundled", home=tmp_path)
    # When it is served
    scorer = build_text_scorer("bundled", home=tmp_path, heads=("support-intents",))
    assert isinstance(scorer, TextScorer)
    scorer.start()
    answers = scorer.score_batch(TEXTS)
    scorer.close()
    # Then every text has its answer too, its labels are known, and the version is another
    assert scorer.labels == {**plain.labels, "support-intents": LABELS}
    assert scorer.model_version != plain.model_version
    assert [set(answer.heads) for answer in answers] == [set(scorer.labels)] * len(TEXTS)
    assert [answer.heads["support-intents"].abstained for answer in answers][1] is True


def test_a_query_may_name_it_and_its_labels(tmp_path: Path) -> None:
    make_served(tmp_path)
    settings = load(
        flags={"score": {"heads": "support-intents"}, "models": {"home": str(tmp_path)}}
    )
    assert settings.score.heads == ("support-intents",)
    assert known_heads(settings)["support-intents"] == LABELS


def test_a_word_more_in_the_lexicon_changes_the_version_and_no_head(tmp_path: Path) -> None:
    # Given a head, and then a word of the user's own in the lexicon
    make_served(tmp_path)
    words = tmp_path / "words.tsv"
    words.write_text("word\tlang\tlabel\tweight\ngrumpypants\ten\tanger\t2.0\n", encoding="utf-8")
    plain, more = (
        build_text_scorer("bundled", home=tmp_path, hub=hub, heads=("support-intents",))
        for hub in (ModelSettings(), ModelSettings(lexicon=words))
    )
    # Then it is served all the same, by a scorer of another version
    assert plain.labels == more.labels
    assert plain.model_version != more.model_version


def test_a_head_of_another_encoder_is_refused(tmp_path: Path) -> None:
    make_head(tmp_path)
    with pytest.raises(ModelInvalid, match="was fitted on some-encoder"):
        build_text_scorer("bundled", home=tmp_path, heads=("support-intents",))


@pytest.mark.parametrize(
    ("heads", "complaint"),
    [
        (("nosuch",), "no head 'nosuch'"),
        (("emotion",), "names 'emotion', which .* has itself"),
        (("support-intents", "support-intents"), "stands there twice"),
    ],
)
def test_names_that_cannot_be_served_are_refused(
    tmp_path: Path, heads: tuple[str, ...], complaint: str
) -> None:
    make_served(tmp_path)
    with pytest.raises(ModelInvalid, match=complaint):
        build_text_scorer("bundled", home=tmp_path, heads=heads)


def test_a_name_that_two_heads_have_is_refused(tmp_path: Path) -> None:
    # Given a head of one's own, and a table of the settings by its name
    make_served(tmp_path)
    hub = ModelSettings(home=tmp_path, hub={"support-intents": HubModel(model="someone/intents")})
    with pytest.raises(ModelInvalid, match=r"two heads are named 'support-intents': the table"):
        build_text_scorer("bundled", home=tmp_path, hub=hub, heads=("support-intents",))


def test_a_head_needs_an_encoder_and_a_home(tmp_path: Path) -> None:
    make_served(tmp_path)
    with pytest.raises(ModelInvalid, match=r"identity has none: set score\.model"):
        build_text_scorer("identity", home=tmp_path, heads=("support-intents",))
    with pytest.raises(ModelInvalid, match=r"models\.home, which was not given"):
        build_text_scorer("bundled", heads=("support-intents",))
