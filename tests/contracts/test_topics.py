"""The table of topics says what lies where, and leaves room for dead letters."""

import pytest

from contracts import topics
from contracts.codec import RECORD_TYPES
from contracts.topics import DAY_MS, DEAD_LETTER, LANES, TABLE, Topic, TopicNames, changelog_of

INPUTS = [topic for topic in TABLE if topic is not DEAD_LETTER]


def test_a_dead_letter_has_room_for_the_largest_original_and_its_headers() -> None:
    largest = max(topic.limit_bytes for topic in (*INPUTS, changelog_of("score")))
    assert largest + 1024 * 1024 <= DEAD_LETTER.limit_bytes


def test_no_two_topics_share_a_name() -> None:
    names = [topic.name for topic in TABLE]
    assert sorted(set(names)) == sorted(names)


def test_every_record_has_a_topic_and_every_topic_a_record() -> None:
    carried = {name for topic in INPUTS for name in topic.records}
    assert carried == {record.__name__ for record in RECORD_TYPES}
    assert DEAD_LETTER.records == ("DeadLetter",)


@pytest.mark.parametrize("topic", TABLE, ids=lambda topic: str(topic.name))
def test_a_topic_keeps_for_a_time_or_keeps_the_latest(topic: Topic) -> None:
    keeps_for_ever = topic.cleanup == "compact"
    assert (topic.retention_ms is None) == keeps_for_ever


def test_a_topic_speaks_the_words_of_kafka() -> None:
    assert topics.EVENTS_TEXT.broker_settings() == {
        "cleanup.policy": "delete",
        "max.message.bytes": str(16 * 1024 * 1024),
        "retention.ms": str(7 * DAY_MS),
    }
    assert topics.WATCHES.broker_settings() == {
        "cleanup.policy": "compact",
        "max.message.bytes": str(16 * 1024 * 1024),
    }


def test_a_topic_says_in_words_how_long_it_keeps() -> None:
    assert topics.EVENTS_TEXT.kept() == "7 days"
    assert topics.WATCHES.kept() == "the latest of each key"
    assert topics.ALERTS.kept() == "the latest of each key, 90 days"


def test_watches_have_one_partition_and_all_else_as_many_as_are_set() -> None:
    assert {topic.name: topic.partitions(6) for topic in TABLE} == {
        "events.text": 6, "events.media": 6, "scored": 6, "mentions": 6, "watches": 1, "alerts": 6,
        "alert-transitions": 6, "feedback": 6, "dead-letter": 6,
    }  # fmt: skip


def test_a_name_is_the_prefix_and_the_topic() -> None:
    assert TopicNames().of(topics.SCORED) == "hubbub.scored"
    assert TopicNames("test-1.").of(topics.DEAD_LETTER) == "test-1.dead-letter"
    assert TopicNames("").of(changelog_of("score")) == "score.changelog"


def test_a_changelog_keeps_the_latest_of_each_key() -> None:
    assert changelog_of("score").broker_settings()["cleanup.policy"] == "compact"


def test_a_lane_is_known_by_its_topic() -> None:
    names = TopicNames("p.")
    assert {names.lane_of(names.of(topic)) for topic in LANES.values()} == {"text", "media"}
    assert names.lane_of("p.events.media") == "media"
    with pytest.raises(KeyError, match="hubbub\\.events\\.text"):
        names.lane_of("hubbub.events.text")
