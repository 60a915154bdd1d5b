"""Malformed records of every kind among good ones: each is set aside once as it came, and no neighbour is harmed."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import Any, NamedTuple

import pytest
from kafka.consumer.fetcher import ConsumerRecord

from consumers.cli.score import build_stage
from consumers.operations.dead_letters import StoredLetter, chosen
from consumers.operations.repairing import by_command
from consumers.operations.retrying import Told, retry
from consumers.operations.status import read_status
from consumers.runtime.faults import Faults
from consumers.runtime.loop import Worker
from contracts.codec import encode_value, make_headers
from contracts.dead_letters import DeadLetter, original_headers
from contracts.events import Event
from contracts.settings import Settings
from contracts.topics import DEAD_LETTER, EVENTS_TEXT, SCORED
from producers.publisher import Publisher
from tests.streams import Verdict, event_of, judge, keyed_ids, read_committed, stream_settings

MALFORMED = 1000
GOOD = 1000
THREADS = 20
NUMBER = "x-number"
TYPED = ("ce_type", b"hubbub.event.v1")
UNDECODABLE, MISFIT = "record_undecodable", "record_misfit"
NAIVE = b'{"id":"n%d","source":"test","observed_at":"2026-01-01T00:00:00","text":"no zone"}'

Headers = tuple[tuple[str, bytes], ...]
Value = Callable[[int], bytes | None]


class Kind(NamedTuple):
    """One way to be malformed: its value for a number, its headers, how it is judged, and how many there are."""

    value: Value
    code: str
    place: str
    headers: Headers = (TYPED,)
    most: int = MALFORMED


def event(number: int, **more: Any) -> bytes:
    row = {"id": f"m{number}", "source": "test", "observed_at": "2026-01-01T00:00:00Z", "text": "x"}
    return json.dumps(row | more).encode()


def without(number: int, key: str) -> bytes:
    row = json.loads(event(number))
    del row[key]
    return json.dumps(row).encode()


KINDS: dict[str, Kind] = {
    "bad UTF-8": Kind(lambda n: event(n).replace(b'"x"', b'"\xff\xfe"'), UNDECODABLE, "$"),
    "surrogate in bytes": Kind(lambda n: event(n).replace(b'"x"', b'"\xed\xa0\x80"'), UNDECODABLE, "$"),
    "lone surrogate": Kind(lambda n: event(n).replace(b'"x"', b'"\\ud800"'), UNDECODABLE, "$"),
    "truncated": Kind(lambda n: event(n)[:-7], UNDECODABLE, "$"),
    "two values": Kind(lambda n: event(n) + b"{}", UNDECODABLE, "$"),
    "NaN": Kind(lambda n: event(n, author={"key": "a", "followers": float("nan")}), UNDECODABLE, "$"),
    "no JSON": Kind(lambda n: b"\x00\x01 %d \x1b[2J" % n, UNDECODABLE, "$"),
    "empty": Kind(lambda n: b"", UNDECODABLE, "$"),
    "null": Kind(lambda n: None, UNDECODABLE, "$"),
    "deep": Kind(lambda n: b'{"a":' * 100_000 + b"%d" % n, UNDECODABLE, "$", most=5),
    "deep inside": Kind(
        lambda n: event(n).replace(b'"x"', b"[" * 100_000 + b"]" * 100_000), MISFIT, "$.text", most=5
    ),
    "ten megabytes": Kind(lambda n: event(n, text="x" * 10_000_000), "record_too_large", "$", most=2),
    "too large": Kind(lambda n: event(n, text="x" * (1 << 20)), "record_too_large", "$", most=5),
    "long text": Kind(lambda n: event(n, text="x" * 200_001), MISFIT, "$.text", most=5),
    "array": Kind(lambda n: b"[%d]" % n, MISFIT, "$"),
    "wrong type": Kind(lambda n: event(n, text=n), MISFIT, "$.text"),
    "wrong type inside": Kind(lambda n: event(n, author={"key": n}), MISFIT, "$.author.key"),
    "huge number": Kind(
        lambda n: event(n, author={"key": "a", "followers": 10**400}), MISFIT, "$.author.followers"
    ),
    "no source": Kind(lambda n: without(n, "source"), MISFIT, "$"),
    "no time": Kind(lambda n: without(n, "observed_at"), MISFIT, "$"),
    "naive time": Kind(lambda n: NAIVE % n, MISFIT, "$.observed_at"),
    "no moment": Kind(lambda n: event(n, observed_at="yesterday"), MISFIT, "$.observed_at"),
    "empty id": Kind(lambda n: event(n, id=""), MISFIT, "$.id"),
    "bad tenant": Kind(lambda n: event(n, tenant="a b/c"), MISFIT, "$.tenant"),
    "future schema": Kind(
        event, "unknown_major_version", "ce_type", (("ce_type", b"hubbub.event.v2"),)
    ),
    "unknown type": Kind(event, "unknown_type", "ce_type", (("ce_type", b"com.example.other"),)),
    "other envelope": Kind(
        event, "unknown_major_version", "ce_specversion", (TYPED, ("ce_specversion", b"2.0"))
    ),
    "type not UTF-8": Kind(event, UNDECODABLE, "ce_type", (("ce_type", b"\xff\xfe"),)),
    "id not UTF-8": Kind(
        lambda n: without(n, "id"), UNDECODABLE, "ce_id", (TYPED, ("ce_id", b"\xff%d"))
    ),
    "structured and empty": Kind(
        lambda n: b"{}", MISFIT, "$", (("content-type", b"application/cloudevents+json"),)
    ),
    "batched events": Kind(
        lambda n: b"[]", UNDECODABLE, "content-type",
        (("content-type", b"application/cloudevents-batch+json"),),
    ),
}  # fmt: skip


class Sent(NamedTuple):
    """One malformed record as it was published."""

    kind: str
    value: bytes | None
    key: bytes | None
    headers: list[tuple[str, bytes]]


class Scene(NamedTuple):
    """What was published, and what a committed reader finds after scoring."""

    settings: Settings
    sent: dict[int, Sent]
    good: list[Event]
    letters: list[ConsumerRecord]
    scored: list[ConsumerRecord]


def malformed() -> Iterator[tuple[int, Sent]]:
    """Yield a thousand malformed records, the kinds in turn."""
    counts: Counter[str] = Counter()
    number = 0
    while number < MALFORMED:
        for name, kind in KINDS.items():
            if counts[name] >= kind.most or number == MALFORMED:
                continue
            counts[name] += 1
            # Every third has no key; a record with neither key nor value has a test of its own.
            key = b"default/bad-%d" % (number % 50) if number % 3 else None
            headers = [
                *kind.headers,
                (NUMBER, b"%d" % number),
                ("x-twice", b"1"),
                ("x-twice", b"\xff"),
            ]
            yield number, Sent(name, kind.value(number), key, headers)
            number += 1


def score(settings: Settings) -> None:
    """Score all there is, with the real stage and no network behind it."""
    stage = build_stage(settings, settings.topics.partitions)
    Worker(settings, stage, group="score", faults=Faults(), until_idle_s=1).run()


def publish(settings: Settings, bad: list[Sent], good: list[Event]) -> None:
    """Publish both, one beside the other."""
    topic = settings.topics.names.of(EVENTS_TEXT)
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test-malformed")
    publisher.start()
    for sent, event in zip_longest(bad, good):
        if sent is not None:
            publisher.send(topic, sent.value, key=sent.key, headers=sent.headers)
        if event is not None:
            headers = make_headers(Event, event.id, source=event.source)
            publisher.send(topic, encode_value(event), key=event.key.encode(), headers=headers)
    publisher.close()


@pytest.fixture(scope="module")
def scene(bootstrap: str) -> Scene:
    """Publish a thousand malformed records among a thousand good ones, and score them all."""
    settings = stream_settings(bootstrap, "score", score={"model": "identity"})
    sent = dict(malformed())
    good = [event_of(f"t{n % THREADS}", n // THREADS) for n in range(GOOD)]
    publish(settings, list(sent.values()), good)
    score(settings)
    return Scene(
        settings,
        sent,
        good,
        read_committed(settings, DEAD_LETTER),
        read_committed(settings, SCORED),
    )


def number_of(letter: ConsumerRecord) -> int:
    return int(dict(letter.headers)[NUMBER])


pytestmark = pytest.mark.timeout(300)


def test_each_malformed_record_is_one_dead_letter(scene: Scene) -> None:
    assert len(KINDS) >= 12
    assert {sent.kind for sent in scene.sent.values()} == KINDS.keys()
    assert sorted(map(number_of, scene.letters)) == list(range(MALFORMED))


def test_a_letter_keeps_bytes_key_and_headers_as_they_came(scene: Scene) -> None:
    changed = [
        scene.sent[number_of(letter)].kind
        for letter in scene.letters
        if (letter.value, letter.key, original_headers(letter.headers))
        != scene.sent[number_of(letter)][1:]
    ]
    assert changed == []


def test_a_letter_says_why_and_where(scene: Scene) -> None:
    wrong = []
    for record in scene.letters:
        letter = DeadLetter.from_headers(record.headers)
        name = scene.sent[number_of(record)].kind
        kind = KINDS[name]
        if (letter.code, letter.place, letter.attempt) != (kind.code, kind.place, 1):
            wrong.append((name, letter.code, letter.place, letter.reason))
        assert letter.reason
        assert letter.stage == "score"
    assert sorted(set(wrong)) == []


def test_a_letter_names_the_place_of_its_original(scene: Scene) -> None:
    originals = {
        (record.partition, record.offset): dict(record.headers).get(NUMBER)
        for record in read_committed(scene.settings, EVENTS_TEXT)
    }
    found = [DeadLetter.from_headers(record.headers) for record in scene.letters]
    places = {originals[letter.partition, letter.offset] for letter in found}
    assert places == {b"%d" % number for number in range(MALFORMED)}


def test_no_good_neighbour_is_harmed(scene: Scene) -> None:
    wanted = {(event.key, event.id): 1 for event in scene.good}
    assert judge(keyed_ids(scene.scored), wanted) == Verdict(lost=0, doubled=0, disordered=0)
    assert len(scene.scored) == GOOD


def test_the_books_balance(scene: Scene) -> None:
    status = read_status(scene.settings, deep=True, watch=lambda records, most, words: records)
    (stage,) = status.stages
    assert (stage.taken, stage.result, stage.dead) == (MALFORMED + GOOD, GOOD, MALFORMED)
    assert (stage.balance, stage.dropped, stage.lag.records) == (0, {}, 0)
    assert status.dead_letters.waiting.records == MALFORMED
    assert sum(status.dead_letters.by_code.values()) == MALFORMED


def retried(settings: Settings, command: str | None = None) -> list[Told]:
    repair = None if command is None else by_command(command)

    def choose(shelf: Any) -> list[StoredLetter]:
        return chosen(shelf.waiting())

    return list(retry(settings, choose, repair=repair))


def test_what_is_repaired_is_scored_and_what_is_not_stops_at_the_third_attempt(
    bootstrap: str,
) -> None:
    # Given times without a zone, and records that no repair will mend
    settings = stream_settings(bootstrap, "score", score={"model": "identity"}, partitions=2)
    naive = [Sent("naive", NAIVE % n, b"default/n", [TYPED]) for n in range(5)]
    hopeless = [Sent("hopeless", b"%d" % n, b"default/h", [TYPED]) for n in range(3)]
    publish(settings, naive + hopeless, [event_of("t", 0)])
    score(settings)
    # When all are put back through a command that adds the zone, and then twice more
    fates = []
    for command in ("""sed 's/00:00:00"/00:00:00Z"/'""", None):
        fates.append([told.fate for told in retried(settings, command)])
        score(settings)
    fates.append([told.fate for told in retried(settings)])
    # Then the repaired are scored, each once; the others have died three times and stay
    assert fates == [["put_back"] * 8, ["put_back"] * 3, ["out_of_tries"] * 3]
    ids = [dict(record.headers)["ce_id"].decode() for record in read_committed(settings, SCORED)]
    assert sorted(ids) == ["n0", "n1", "n2", "n3", "n4", "t-0"]
    last = [DeadLetter.from_headers(record.headers) for record in waiting(settings)]
    assert sorted(Counter(letter.attempt for letter in last).items()) == [(1, 8), (2, 3), (3, 3)]
    # And the books balance
    (stage,) = read_status(settings, deep=False, watch=lambda records, most, words: records).stages
    assert (stage.taken, stage.result, stage.dead, stage.balance) == (20, 6, 14, 0)


def waiting(settings: Settings) -> list[ConsumerRecord]:
    """Return every letter ever written, markers left out."""
    records = read_committed(settings, DEAD_LETTER)
    return [record for record in records if "hubbub-dead-code" in dict(record.headers)]
