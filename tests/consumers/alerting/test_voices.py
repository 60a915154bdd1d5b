"""Voices: distinct ones, in any order and in any parts; what is only repeated is one."""

import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.alerting.voices import EXACT, REGISTERS, Independent, Voices, said
from contracts.errors import StateInvalid
from contracts.events import Author, Event
from contracts.mentions import Mention
from producers.sources.scenario.scenario import Scenario

STANDARD_ERROR = 1.04 / math.sqrt(REGISTERS)
KEYS = st.lists(st.integers(0, 400).map(str), max_size=400)


def voices_of(keys: list[str]) -> Voices:
    voices = Voices()
    for key in keys:
        voices.add(key)
    return voices


def mention_of(id: str, text: str, **fields: str | None) -> Mention:
    return msgspec.convert(
        {
            "id": id, "tenant": "default", "watch": "norvia", "watch_revision": 1, "event_id": id,
            "source": "chirp", "kind": "social", "at": "2026-11-23T17:00:00Z", "lane": "text",
            "partition": 0, "offset": 0, "lang": "en", "heads": {}, "model_version": "m",
            "text": text, **fields,
        },
        Mention,
    )  # fmt: skip


def independent(mentions: list[Mention]) -> int:
    voices = Independent()
    for mention in mentions:
        voices.add(mention)
    return voices.estimate()


@given(keys=KEYS, order=st.randoms(use_true_random=False))
def test_no_order_changes_what_is_kept(keys: list[str], order: random.Random) -> None:
    shuffled = list(keys)
    order.shuffle(shuffled)
    assert voices_of(shuffled) == voices_of(keys)


@given(first=KEYS, second=KEYS)
def test_merging_is_adding_all(first: list[str], second: list[str]) -> None:
    # Given two parts
    merged, other = voices_of(first), voices_of(second)
    # When they are merged
    merged.merge(other)
    # Then it is as if all had come to one, and the other is what it was
    assert merged == voices_of(first + second)
    assert other == voices_of(second)


@given(keys=KEYS)
def test_few_are_counted_exactly_and_bytes_give_the_same_again(keys: list[str]) -> None:
    voices = voices_of(keys)
    if len(set(keys)) <= EXACT:
        assert voices.estimate() == len(set(keys))
    kept = msgspec.msgpack.encode(voices)
    assert msgspec.msgpack.decode(kept, type=Voices) == voices
    assert len(kept) <= REGISTERS + 4


@pytest.mark.parametrize("count", [64, 500, 1_300, 5_000, 50_000, 1_000_000])
def test_many_are_counted_within_three_standard_errors(count: int) -> None:
    voices = Voices()
    for number in range(count):
        voices.add(f"author {number}")
    assert abs(voices.estimate() / count - 1) < 3 * STANDARD_ERROR


def test_over_many_sets_the_error_is_the_stated_one_and_without_bias() -> None:
    # Given a hundred sets of 3,000 keys
    errors = []
    for number in range(100):
        voices = voices_of([f"{number}/{key}" for key in range(3_000)])
        errors.append(voices.estimate() / 3_000 - 1)
    # Then their mean square is near the stated error, and their mean near zero
    assert math.sqrt(sum(error**2 for error in errors) / 100) < 1.3 * STANDARD_ERROR
    assert abs(sum(errors) / 100) < 0.02


def test_bytes_that_are_no_voices_are_refused() -> None:
    with pytest.raises(StateInvalid, match="voices in 5 bytes; expected 4 a voice, or 256"):
        Voices(bytearray(5))


def test_one_author_who_says_many_things_is_one_voice() -> None:
    texts = ["It burns!", "Still hot today", "Nobody answers me"]
    many = [mention_of(str(at), text, author="bob") for at, text in enumerate(texts)]
    assert independent(many) == 1


def test_the_same_author_key_in_two_sources_is_two_voices() -> None:
    first = mention_of("1", "It burns!", author="bob")
    assert independent([first, mention_of("2", "So hot now", author="bob", source="weiyu")]) == 2


def test_those_who_repost_add_no_voice_whether_they_quote_comment_or_say_nothing() -> None:
    # Given one post, and three people who repost it in three ways
    post = mention_of("1", "My phone is on fire 🔥", author="a")
    quoted = mention_of("2", "RT @a: My phone is on fire 🔥", author="b", repost_of="1")
    silent = mention_of("3", "转发微博", author="c", repost_of="1")
    comment = mention_of("4", "Unbelievable, look at this", author="d", repost_of="1")
    # Then there is one voice; a comment without a quote is known by what it reposts
    assert independent([post, quoted]) == 1
    assert independent([post, quoted, silent]) == 1
    assert independent([post, comment]) == 1


def test_a_text_that_many_paste_is_one_voice() -> None:
    pasted = "Boycott them NOW! https://t.co/{} @norvia"
    many = [mention_of(str(at), pasted.format(at), author=f"a{at}") for at in range(50)]
    assert independent(many) == 1


def test_people_who_say_different_things_are_as_many_voices() -> None:
    words = ["hot", "burning", "smoking", "dead", "melted", "swollen"]
    many = [mention_of(w, f"My phone is {w}", author=w) for w in words]
    assert independent(many) == len(words)


def test_without_words_or_an_author_each_mention_is_a_voice() -> None:
    assert independent([mention_of(str(at), "🔥🔥") for at in range(5)]) == 5


@pytest.mark.parametrize(
    ("repost", "original"),
    [
        ("RT @bob: The battery melted!", "the battery MELTED https://t.co/abc"),
        ("RT @eve: RT @bob: The battery melted!", "The battery melted."),
        ("转发微博 //@小王：手机冒烟了", "手机冒烟了！！ @客服"),
        ("//@a:转发微博//@小王:手机冒烟了", "手机冒烟了"),
    ],
)
def test_a_repost_says_what_its_original_says(repost: str, original: str) -> None:
    assert said(repost) == said(original)


def test_every_repost_of_the_scenario_says_what_its_original_says() -> None:
    # Given a crisis with its reposts
    events = {event.id: event for event in Scenario(3, quiet_days=0, scale=0.2).events()}
    reposts = [event for event in events.values() if event.repost_of in events]
    # Then nothing but the mark of the repost differs
    assert len(reposts) > 50
    for event in reposts:
        assert said(event.text) == said(events[str(event.repost_of)].text)


def test_voices_of_the_scenario_are_at_most_its_authors_within_the_stated_error() -> None:
    events = list(Scenario(3, quiet_days=0, scale=0.2).events())
    mentions = [_mention(event) for event in events]
    authors = {(event.source, _key(event.author)) for event in events}
    assert len(authors) < len(mentions)
    assert 0 < independent(mentions) < len(authors) * (1 + 3 * STANDARD_ERROR)


def _mention(event: Event) -> Mention:
    return mention_of(
        event.id,
        event.text,
        source=event.source,
        author=_key(event.author),
        repost_of=event.repost_of,
    )


def _key(author: Author | None) -> str | None:
    return author.key if author else None
