"""Committing: many requests' records, one thread, one acknowledgement.

In: records of requests, from any thread. Out: Kafka, and a future for each request that is done once every replica in
sync has its records. The Publisher is not for two threads; here it has one of its own, which takes all that waits and
flushes it together. Imports contracts and the publisher.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import structlog

from contracts.errors import BrokerUnreachable, HubbubError, Stalled
from producers.entry import OutgoingRecord, check_topics
from producers.publisher import Publisher

LOG = structlog.get_logger()
PATIENCE_S = 0.2
BACKOFF_S = (0.2, 5.0)
Work = tuple[Sequence[OutgoingRecord], "Future[None]"]


class GroupCommitter:
    """Publish requests' records together; `start`, any number of `submit` from any thread, `close`.

    `connect` makes a new, idle Publisher without a transactional id, for the first time and after each failure.
    """

    def __init__(self, connect: Callable[[], Publisher], topics: tuple[str, ...]) -> None:
        self._connect = connect
        self._topics = topics
        self._waiting: queue.Queue[Work] = queue.Queue()
        self._closing = threading.Event()
        self._problem: HubbubError | None = BrokerUnreachable("not connected yet")
        self._publisher: Publisher | None = None
        self._thread = threading.Thread(target=self._run, name="group-committer", daemon=True)

    @property
    def problem(self) -> HubbubError | None:
        """Return why nothing can be published now, None when all is well."""
        return self._problem

    @property
    def is_alive(self) -> bool:
        """Say whether the thread runs; one that has ended without `close` will take nothing any more."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread; it connects by itself, again and again until it can."""
        self._thread.start()

    def submit(self, records: Sequence[OutgoingRecord]) -> "Future[None]":
        """Hand over one request's records; the future fails with a HubbubError where Kafka did not take them.

        Raises BrokerUnreachable instead of queueing for a Kafka that is gone.
        """
        if self._problem is not None:
            raise BrokerUnreachable(str(self._problem)) from self._problem
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # from here on nobody can cancel it
        self._waiting.put((records, done))
        return done

    def close(self, timeout_s: float) -> None:
        """Publish what waits, then end; after the time-out what is left is given up, its futures fail."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        _fail(self._drain(), BrokerUnreachable("the source has stopped"))

    def _run(self) -> None:
        try:
            while not self._closing.is_set() or not self._waiting.empty():
                publisher = self._publisher or self._reconnected()
                if publisher is None:
                    return
                self._publish(publisher, self._next_group())
            if self._publisher is not None:
                self._publisher.close()
        finally:
            self._problem = Stalled("the publishing thread has ended")
            _fail(self._drain(), self._problem)

    def _reconnected(self) -> Publisher | None:
        """Connect, however long it takes; None when `close` came first."""
        delay_s, longest_s = BACKOFF_S
        while not self._closing.is_set():
            publisher = self._connect()
            try:
                publisher.start()
                check_topics(publisher, self._topics)
            except HubbubError as error:
                publisher.abandon()
                self._fell(error)
                self._closing.wait(delay_s)
                delay_s = min(2 * delay_s, longest_s)
                continue
            LOG.info("http_kafka_connected")
            self._publisher, self._problem = publisher, None
            return publisher
        return None

    def _next_group(self) -> list[Work]:
        try:
            first = self._waiting.get(timeout=PATIENCE_S)
        except queue.Empty:
            return []
        return [first, *self._drain()]

    def _drain(self) -> list[Work]:
        group = []
        while True:
            try:
                group.append(self._waiting.get_nowait())
            except queue.Empty:
                return group

    def _publish(self, publisher: Publisher, group: list[Work]) -> None:
        if not group:
            return
        try:
            for records, _ in group:
                for record in records:
                    publisher.send(
                        record.topic, record.value, key=record.key, headers=record.headers
                    )
            publisher.flush()
        except HubbubError as error:
            self._fell(error)
            _fail([*group, *self._drain()], error)
            publisher.abandon()
            self._publisher = None
            return
        for _, done in group:
            done.set_result(None)

    def _fell(self, error: HubbubError) -> None:
        LOG.warning("http_kafka_lost", code=error.code, error=str(error))
        self._problem = error


def _fail(group: Sequence[Work], error: HubbubError) -> None:
    for _, done in group:
        done.set_exception(error)
