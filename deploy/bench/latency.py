"""How long an event waits, at a steady rate: from when it was meant to be sent to its scores on their topic.

In: a broker, texts, a rate. Out: latencies. An open loop: events are sent by the clock, whether the last ones are done
or not, and a sender that is late counts as the event's wait. Closed loops hide waiting by waiting themselves.

Sender and reader run beside the service and take some of its cores' time. So the sender waits up to 2 ms for company: a
request for each event would cost more than the measurement is worth. The 2 ms count in the latency.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

import msgspec
from kafka import KafkaConsumer, KafkaProducer

from contracts.errors import InvalidInput, NodeFailed
from contracts.settings import Settings
from contracts.topics import SCORED
from deploy.bench.running import Arm, event_of, ready_arm, send
from deploy.bench.texts import as_many

WARM_S = 3.0
LINGER_MS = 2
PATIENCE_S = 60.0


class _Scored(msgspec.Struct):
    event: "_Id"


class _Id(msgspec.Struct):
    id: str


def latencies_ms(
    texts: Sequence[str], rate: float, *, seconds: float, bootstrap: str, prefix: str
) -> list[float]:
    """Return the latency of each event sent after the first three seconds, in milliseconds.

    Where `texts` are too few for that, they come again, each with a number. Raises InvalidInput for a rate so low that
    no event is sent after the first seconds.
    """
    warm, count = int(rate * WARM_S), int(rate * (WARM_S + seconds))
    if count == warm:
        raise InvalidInput(
            f"{rate:.2f} events a second for {seconds:g} s are none to measure; expected more seconds"
        )
    arm = Arm("service", 1, 0)
    with ready_arm(arm, bootstrap=bootstrap, prefix=prefix) as (settings, _):
        reader = _Reader(settings)
        sent = _send(settings, as_many(texts, count), rate=rate)
        arrived = reader.wait(sent)
    return [1000 * (arrived[f"e{at}"] - meant) for at, meant in enumerate(sent) if at >= warm]


def _send(settings: Settings, texts: Sequence[str], *, rate: float) -> list[float]:
    """Send texts at a rate; returns when each was meant to go."""
    producer = sender(settings)
    begin = time.time() + 0.5
    meant = [begin + number / rate for number in range(len(texts))]
    for number, text in enumerate(texts):
        wait = meant[number] - time.time()
        if wait > 0:
            time.sleep(wait)
        send(producer, settings, event=event_of(number, text))
    producer.flush()
    producer.close()
    return meant


def sender(settings: Settings) -> KafkaProducer:
    """Return what sends the open loop's events: those of two milliseconds go together."""
    return KafkaProducer(bootstrap_servers=settings.kafka.bootstrap, linger_ms=LINGER_MS)


class _Reader:
    """Note when each scored event can be read: committed."""

    def __init__(self, settings: Settings) -> None:
        self._arrived: dict[str, float] = {}
        self._is_done = False
        self._consumer = KafkaConsumer(
            settings.topics.names.of(SCORED), bootstrap_servers=settings.kafka.bootstrap,
            isolation_level="read_committed", auto_offset_reset="earliest", group_id=None,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        decoder: Any = msgspec.json.Decoder(_Scored)
        while not self._is_done:
            for records in self._consumer.poll(timeout_ms=50).values():
                now = time.time()
                for record in records:
                    self._arrived.setdefault(decoder.decode(record.value).event.id, now)
        self._consumer.close()

    def wait(self, sent: Sequence[float]) -> dict[str, float]:
        """Return when each event arrived; raises NodeFailed where one does not within a minute of the last."""
        until = time.monotonic() + PATIENCE_S
        while len(self._arrived) < len(sent):
            if time.monotonic() > until:
                raise NodeFailed(f"{len(sent) - len(self._arrived)} events were not scored in time")
            time.sleep(0.05)
        self._is_done = True
        self._thread.join()
        return self._arrived
