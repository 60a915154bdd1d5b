"""A turn of a measurement against a real Kafka: every record is ended, and the time is that of work alone."""

from deploy.bench.latency import latencies_ms
from deploy.bench.running import Arm, take_turn
from deploy.bench.texts import distinct_texts
from deploy.kafka.node import KafkaNode


def test_a_turn_of_two_processes_ends_every_record(kafka: KafkaNode) -> None:
    turn = take_turn(
        Arm("identity", 2, 200), distinct_texts(200), bootstrap=kafka.bootstrap, prefix="bench.two."
    )
    assert 20 < turn.rate < 1e6
    assert 0 < turn.cpu_s < 0.05


def test_latency_is_measured_of_each_event_after_the_warm_up(kafka: KafkaNode) -> None:
    found = latencies_ms(
        distinct_texts(200), 20.0, seconds=2, bootstrap=kafka.bootstrap, prefix="bench.wait."
    )
    assert len(found) == 40
    assert all(0 < latency < 30_000 for latency in found)
