"""Status: how a stage stands, from what it has committed.

In: settings and a broker. Out: the books of each stage's group, lag, workers, the dead letters, the topics. What
is read is the truth of Kafka, not of a process: it holds with every worker gone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from consumers.operations.asking import described_topics
from consumers.operations.counting import Count, count_records, total
from consumers.operations.dead_letters import Shelf, read_shelf
from consumers.operations.groups import GroupWorker, committed_offsets, group_view
from consumers.operations.ledgers import read_ledgers
from consumers.operations.reading import Reader, Span
from consumers.protocols import Input, Record
from consumers.runtime.ledger import Ledger
from contracts.errors import TopicInvalid
from contracts.settings import Settings
from contracts.topics import (
    ALERT_TRANSITIONS,
    ALERTS,
    DEAD_LETTER,
    FEEDBACK,
    LANES,
    MENTIONS,
    SCORED,
    Topic,
    changelog_of,
)

LETTERS_AT_MOST = 10_000
Watch = Callable[[Iterable[Record], int, str], Iterable[Record]]


class InputStatus(msgspec.Struct, frozen=True, rename={"taken": "in"}):
    """Hold one input partition: its offsets, its books and its lag.

    `committed` is None where nothing was read yet. `expired` counts offsets that retention removed before they were
    read: what lay there is lost.
    """

    topic: str
    partition: int
    committed: int | None
    end: int
    taken: int
    result: int
    dead: int
    dropped: dict[str, int]
    balance: int
    lag: Count
    expired: int = 0


class StageStatus(msgspec.Struct, frozen=True, rename={"taken": "in"}):
    """Hold one stage: the sums over its inputs, its group and its workers."""

    stage: str
    group: str
    state: str
    ready: bool
    workers: tuple[GroupWorker, ...]
    taken: int
    result: int
    dead: int
    dropped: dict[str, int]
    balance: int
    lag: Count
    inputs: tuple[InputStatus, ...]


class LetterStatus(msgspec.Struct, frozen=True):
    """Count the dead letters that wait, by code; `by_code` is empty where they were not read."""

    waiting: Count
    retried: int = 0
    by_code: dict[str, int] = {}


class TopicStatus(msgspec.Struct, frozen=True):
    """Hold the size of one topic: its records, and after reading them all their number by type."""

    topic: str
    records: Count
    by_type: dict[str, int] | None = None


class Status(msgspec.Struct, frozen=True):
    """Hold everything that `hubbub status` tells; `balance` is the sum over all stages and must be zero."""

    bootstrap: str
    prefix: str
    balance: int
    stages: tuple[StageStatus, ...]
    dead_letters: LetterStatus
    topics: tuple[TopicStatus, ...]


def read_status(settings: Settings, *, deep: bool, watch: Watch) -> Status:
    """Return how things stand; with `deep` every letter and every output is read and counted.

    `watch` is handed each long reading with the most records it can give and a word for it, and passes them on.
    Raises BrokerUnreachable, and TopicInvalid for a topic that is missing.
    """
    stages = _stages_present(settings)
    names = settings.topics.names
    with Reader(settings.kafka, client_id="hubbub-status") as reader:
        told = tuple(_stage_status(settings, reader, books=books) for books in stages)
        letters = _letters(reader, names.of(DEAD_LETTER), deep=deep, watch=watch)
        outputs = [names.of(topic) for books in stages for topic in books.outputs]
        topics = [_topic(reader, name, deep=deep, watch=watch) for name in outputs]
    balance = sum(stage.balance for stage in told)
    return Status(settings.kafka.bootstrap, names.prefix, balance, told, letters, tuple(topics))


class _Books(NamedTuple):
    """Say of one stage where its books are: its group, what it reads, what it writes."""

    stage: str
    group: str
    inputs: tuple[Topic, ...]
    outputs: tuple[Topic, ...]

    @property
    def topics(self) -> tuple[Topic, ...]:
        """Return every topic that the stage needs."""
        return (*self.inputs, *self.outputs, changelog_of(self.group))


def _stages_present(settings: Settings) -> list[_Books]:
    """Return the stages of this deployment: scoring always, alerting where its topics were made.

    Raises TopicInvalid where what scoring needs is missing.
    """
    lanes = tuple(LANES[lane] for lane in settings.score.lanes)
    score = _Books("score", settings.score.group, lanes, (SCORED, MENTIONS))
    alert = _Books("alert", settings.alert.group, (MENTIONS, FEEDBACK), (ALERTS, ALERT_TRANSITIONS))
    name = settings.topics.names.of
    wanted = dict.fromkeys(map(name, (*score.topics, *alert.topics, DEAD_LETTER)))
    present = described_topics(settings, list(wanted))
    missing = [item for item in map(name, (*score.topics, DEAD_LETTER)) if item not in present]
    if missing:
        raise TopicInvalid(f"missing: {', '.join(missing)}; `hubbub topics create` makes them")
    return [score, alert] if all(name(topic) in present for topic in alert.topics) else [score]


def _stage_status(settings: Settings, reader: Reader, *, books: _Books) -> StageStatus:
    names = settings.topics.names
    group = names.prefix + books.group
    committed = committed_offsets(settings, group)
    spans = reader.spans([names.of(topic) for topic in books.inputs])
    changelog = reader.spans([names.of(changelog_of(books.group))])
    ledgers = read_ledgers(
        reader, changelog, inputs=[source for source in spans if committed.get(source, 0) > 0]
    )
    ahead = {
        source: Span(max(span.begin, committed.get(source, 0)), span.end)
        for source, span in spans.items()
    }
    lags = count_records(reader, ahead)
    inputs = tuple(
        _input_status(source, span, committed=committed.get(source), lag=lags[source],
                      ledger=ledgers.get(source, Ledger()))
        for source, span in sorted(spans.items())
    )  # fmt: skip
    view = group_view(settings, group)
    whole = _sum(ledgers.values())
    return StageStatus(
        stage=books.stage, group=group, state=view.state, ready=view.is_ready(spans),
        workers=view.workers, taken=whole.taken, result=whole.result, dead=whole.dead,
        dropped=dict(whole.dropped), balance=whole.balance, lag=total(lags.values()), inputs=inputs,
    )  # fmt: skip


def _input_status(
    source: Input, span: Span, *, committed: int | None, lag: Count, ledger: Ledger
) -> InputStatus:
    return InputStatus(
        topic=source.topic, partition=source.partition, committed=committed, end=span.end,
        taken=ledger.taken, result=ledger.result, dead=ledger.dead, dropped=dict(ledger.dropped),
        balance=ledger.balance, lag=lag,
        expired=max(0, span.begin - committed) if committed is not None else 0,
    )  # fmt: skip


def _sum(ledgers: Iterable[Ledger]) -> Ledger:
    whole = Ledger()
    for ledger in ledgers:
        whole = whole.plus(ledger)
    return whole


def _letters(reader: Reader, topic: str, *, deep: bool, watch: Watch) -> LetterStatus:
    spans = reader.spans([topic])
    width = _width(spans)
    if width > LETTERS_AT_MOST and not deep:
        return LetterStatus(Count(width, exact=False))
    shelf: Shelf = read_shelf(watch(reader.read(spans), width, "dead letters"))
    waiting = shelf.waiting()
    by_code = Counter(stored.letter.code for stored in waiting)
    return LetterStatus(
        Count(len(waiting)),
        retried=len(shelf.letters) - len(waiting),
        by_code=dict(sorted(by_code.items())),
    )


def _topic(reader: Reader, topic: str, *, deep: bool, watch: Watch) -> TopicStatus:
    spans = reader.spans([topic])
    width = _width(spans)
    if not deep:
        return TopicStatus(topic, total(count_records(reader, spans, read_at_most=0).values()))
    by_type = Counter(_type_of(record) for record in watch(reader.read(spans), width, topic))
    return TopicStatus(topic, Count(by_type.total()), dict(sorted(by_type.items())))


def _type_of(record: Record) -> str:
    return (dict(record.headers).get("ce_type") or b"").decode("utf-8", "replace")


def _width(spans: Mapping[Input, Span]) -> int:
    return sum(span.width for span in spans.values())
