"""Label sets: what a file's labels stand for, in whatever words the head has."""

from collections.abc import Mapping, Sequence

import pytest

from contracts.errors import InvalidInput
from models.evaluation.label_names import plain_name
from models.evaluation.label_sets import SHARED, UNKNOWN, LabelSets, label_sets

EMOTION = ("anger", "disgust", "fear", "joy", "neutral", "optimism", "sadness", "surprise")
SENTIMENT = ("negative", "neutral", "positive")
HARM = ("none", "offensive", "hate")
TOPIC = (
    "arts_culture_entertainment_and_media", "conflict_war_and_peace", "crime_law_and_justice",
    "disaster_accident_and_emergency_incident", "economy_business_and_finance", "education", "environment", "health",
    "human_interest", "labour", "lifestyle_and_leisure", "politics_and_government", "religion",
    "science_and_technology", "society", "sport", "weather",
)  # fmt: skip
FINE = ("admiration", "anger", "annoyance", "joy", "love", "neutral", "optimism", "sadness")


def sets_of(
    task: str,
    labels: Sequence[str],
    names: str,
    renamed: Mapping[str, tuple[str, ...]] | None = None,
) -> LabelSets:
    return label_sets(task, labels, names=names.split(), renamed=renamed or {})


def meanings(sets: LabelSets) -> dict[str, set[str]]:
    return {name: set(sets.classes[at].ours) for name, at in sets.positions.items()}


def test_the_labels_of_weibo_find_ours() -> None:
    sets = sets_of("emotion", EMOTION, "happy angry sad fear surprise neutral")
    assert meanings(sets) == {
        "happy": {"joy"},
        "angry": {"anger"},
        "sad": {"sadness"},
        "fear": {"fear"},
        "surprise": {"surprise"},
        "neutral": {"neutral"},
    }
    assert sets.left_out == {}


def test_labels_that_mean_the_same_are_one_class() -> None:
    sets = sets_of("emotion", EMOTION, "like happiness sadness")
    assert [(each.name, each.theirs) for each in sets.classes] == [
        ("joy", ("happiness", "like")),
        ("sadness", ("sadness",)),
    ]


def test_another_word_for_a_label_that_the_file_names_joins_it() -> None:
    sets = sets_of("emotion", EMOTION, "worried fear depress sadness")
    assert meanings(sets)["worried"] == meanings(sets)["fear"] == {"fear"}
    assert len(sets.classes) == 2


def test_dialogue_labels_that_say_too_little_are_left_out() -> None:
    sets = sets_of("emotion", EMOTION, "anger astonished grateful positive-other relaxed")
    assert sets.left_out == {"positive-other": UNKNOWN, "relaxed": UNKNOWN}
    assert meanings(sets)["astonished"] == {"surprise"}
    assert meanings(sets)["grateful"] == {"joy"}


def test_a_file_of_hate_alone_takes_offence_for_none() -> None:
    sets = sets_of("harm", HARM, "not-hate hate")
    assert meanings(sets) == {"not-hate": {"none", "offensive"}, "hate": {"hate"}}
    assert [each.name for each in sets.classes] == ["not-hate", "hate"]


def test_a_file_of_offence_alone_takes_hate_for_offence() -> None:
    sets = sets_of("harm", HARM, "not-offensive offensive")
    assert meanings(sets) == {"not-offensive": {"none"}, "offensive": {"offensive", "hate"}}


def test_a_file_with_all_three_tells_them_apart() -> None:
    for names in ("none offensive hate", "neither offensive_language hate_speech"):
        sets = sets_of("harm", HARM, names)
        assert [each.ours for each in sets.classes] == [("none",), ("offensive",), ("hate",)]
    assert meanings(sets_of("harm", HARM, "not-hate offensive hate"))["not-hate"] == {"none"}


def test_irony_without_irony_is_none() -> None:
    assert meanings(sets_of("irony", ("irony", "none"), "irony non_irony")) == {
        "irony": {"irony"},
        "non_irony": {"none"},
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("0 1", "negative positive"),
        ("-1 0 1", "negative neutral positive"),
        ("-1 1", "negative positive"),
        ("0 1 2", "negative neutral positive"),
        ("0 4", "negative positive"),
        ("0 1 2 3 4", "negative negative neutral positive positive"),
        ("1 2 3 4 5", "negative negative neutral positive positive"),
        ("1 5", "negative positive"),
        ("neg neu pos", "negative neutral positive"),
        ("NEGATIVE Positive", "negative positive"),
        ("消极 积极", "negative positive"),
        ("sad happy", "negative positive"),
    ],
)
def test_sentiment_is_read_from_numbers_and_words(names: str, expected: str) -> None:
    found = meanings(sets_of("sentiment", SENTIMENT, names))
    assert [found[name] for name in names.split()] == [{word} for word in expected.split()]


def test_numbers_that_may_mean_two_things_are_not_guessed() -> None:
    assert sets_of("sentiment", SENTIMENT, "1 2").left_out == {"1": UNKNOWN, "2": UNKNOWN}
    assert sets_of("emotion", EMOTION, "0 1 2 3").classes == ()
    assert sets_of("harm", HARM, "0 1").classes == ()


def test_the_task_says_what_numbers_of_harm_mean() -> None:
    assert meanings(sets_of("hate", HARM, "0 1")) == {"0": {"none", "offensive"}, "1": {"hate"}}
    assert meanings(sets_of("offensive", HARM, "0 1")) == {
        "0": {"none"},
        "1": {"offensive", "hate"},
    }


def test_headline_labels_find_the_media_topics() -> None:
    names = "finance realty stocks education science society politics sports game entertainment"
    found = meanings(sets_of("topic", TOPIC, names))
    assert found["finance"] == found["realty"] == found["stocks"] == {TOPIC[4]}
    assert found["game"] == {"lifestyle_and_leisure"}
    assert found["society"] == {
        "society", "crime_law_and_justice", "human_interest", "health", "disaster_accident_and_emergency_incident",
    }  # fmt: skip
    assert len(set(map(frozenset, found.values()))) == 8


def test_a_head_with_fewer_topics_is_asked_for_those_it_has() -> None:
    found = meanings(sets_of("topic", ("society", "human_interest", "sport"), "society sports"))
    assert found == {"society": {"society", "human_interest"}, "sports": {"sport"}}


def test_a_label_that_others_of_the_file_claim_whole_is_left_out() -> None:
    # Given TNEWS: cars are leisure, business or technology, and each of these is a label of its own
    sets = sets_of(
        "topic", TOPIC, "news_car news_finance news_tech news_game news_military news_world"
    )
    assert sets.left_out == {"news_car": SHARED}
    assert meanings(sets)["news_world"] == {
        "politics_and_government", "society", "disaster_accident_and_emergency_incident",
    }  # fmt: skip


def test_topics_by_their_own_names_stay_what_they_are() -> None:
    sets = label_sets("topic", TOPIC, names=TOPIC, renamed={})
    assert meanings(sets) == {name: {name} for name in TOPIC}


def test_a_finer_head_adds_up_what_the_file_calls_joy() -> None:
    sets = sets_of("emotion", FINE, "happy angry sad")
    assert meanings(sets)["happy"] == {"admiration", "joy", "love"}
    assert meanings(sets)["angry"] == {"anger", "annoyance"}


def test_a_finer_head_on_a_file_in_its_own_words_is_asked_for_every_word() -> None:
    sets = label_sets("emotion", FINE, names=FINE, renamed={})
    assert meanings(sets) == {name: {name} for name in FINE}


def test_a_head_in_other_words_is_asked_by_meaning() -> None:
    sets = sets_of("sentiment", ("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), "pos neg")
    assert meanings(sets) == {"pos": {"4 stars", "5 stars"}, "neg": {"1 star", "2 stars"}}


def test_optimism_beside_gratitude_is_joy() -> None:
    sets = sets_of("emotion", EMOTION, "optimism gratitude anger fear")
    assert meanings(sets)["optimism"] == meanings(sets)["gratitude"] == {"joy"}
    apart = sets_of("emotion", EMOTION, "optimism joy anger sadness")
    assert meanings(apart)["optimism"] == {"optimism"}


def test_own_labels_are_found_by_name_whatever_the_case() -> None:
    sets = sets_of("support", ("Card arrival?", "refund"), "card_arrival REFUND other")
    assert meanings(sets) == {"card_arrival": {"Card arrival?"}, "REFUND": {"refund"}}
    assert sets.left_out == {"other": UNKNOWN}


def test_own_labels_may_be_numbers() -> None:
    assert meanings(sets_of("sentiment", ("0", "1"), "0 1")) == {"0": {"0"}, "1": {"1"}}


def test_the_users_map_comes_first() -> None:
    renamed: dict[str, tuple[str, ...]] = {
        "happy": ("optimism", "joy"),
        "sad": (),
        "meh": ("Neutral",),
    }
    sets = sets_of("emotion", EMOTION, "happy sad meh angry", renamed)
    assert meanings(sets) == {
        "happy": {"joy", "optimism"},
        "meh": {"neutral"},
        "angry": {"anger"},
    }
    assert sets.left_out == {"sad": UNKNOWN}
    assert [each.name for each in sets.classes] == ["anger", "happy", "neutral"]


def test_what_two_mapped_labels_share_counts_for_neither() -> None:
    renamed = {"a": ("joy", "fear"), "b": ("fear", "anger")}
    assert meanings(sets_of("emotion", EMOTION, "a b", renamed)) == {"a": {"joy"}, "b": {"anger"}}


def test_a_map_to_what_the_head_lacks_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the head has no label 'delight'; it has 'anger'"):
        sets_of("emotion", EMOTION, "happy sad", {"happy": ("delight",)})


def test_a_map_of_a_label_that_no_row_has_is_refused() -> None:
    with pytest.raises(InvalidInput, match="--map names 'hapy', which no row has"):
        sets_of("emotion", EMOTION, "happy sad", {"hapy": ("joy",)})


def test_names_differ_in_more_than_case_and_signs() -> None:
    assert plain_name(" Sci/Tech ") == "sci_tech"
    assert plain_name("-1") != plain_name("1") == plain_name("+1")
    assert plain_name("ＨＡＰＰＹ") == "happy"
