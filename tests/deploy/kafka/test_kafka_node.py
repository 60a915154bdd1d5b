"""One Kafka node: it answers, keeps its data, comes back after a kill, and never outlives its owner."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError

from contracts.errors import DataInUse, NodeFailed, NotLoopback, PortInUse, SettingsInvalid
from deploy.kafka.node import KafkaNode
from tests.conftest import StartKafka

ROOT = Path(__file__).parents[3]


def create_topic(bootstrap: str, name: str, **configs: str) -> TopicPartition:
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_topics([NewTopic(name, 1, 1, topic_configs=configs)])
    return TopicPartition(name, 0)


def send(bootstrap: str, topic: str, values: list[bytes], **options: object) -> None:
    with closing(KafkaProducer(bootstrap_servers=bootstrap, **options)) as producer:
        for future in [producer.send(topic, value) for value in values]:
            future.get(10)


def read(bootstrap: str, partition: TopicPartition, count: int) -> list[bytes]:
    """Read until `count` committed values are there, at most 10 s."""
    values: list[bytes] = []
    with closing(
        KafkaConsumer(
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
            fetch_max_bytes=64 * 1024 * 1024,
            max_partition_fetch_bytes=32 * 1024 * 1024,
        )
    ) as consumer:
        consumer.assign([partition])
        deadline = time.monotonic() + 10
        while len(values) < count and time.monotonic() < deadline:
            for records in consumer.poll(timeout_ms=200).values():
                values += [record.value for record in records]
    return values


def is_alive(pid: int) -> bool:
    """Say whether a process lives; one that ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_record_of_ten_megabytes_passes(bootstrap: str) -> None:
    partition = create_topic(bootstrap, "node.large")
    value = os.urandom(10 * 1024 * 1024)
    send(bootstrap, "node.large", [value], max_request_size=16 * 1024 * 1024)
    assert read(bootstrap, partition, 1) == [value]


def test_a_topic_is_not_made_by_a_typing_error(bootstrap: str) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap, max_block_ms=500)
    with closing(producer), pytest.raises((KafkaTimeoutError, UnknownTopicOrPartitionError)):
        producer.send("node.no-such-topic", b"x").get(5)
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        assert "node.no-such-topic" not in admin.list_topics()


def test_a_dead_workers_transaction_ends_within_seconds_of_its_time_out(bootstrap: str) -> None:
    # Given a worker that dies within a transaction of 1 s.
    partition = create_topic(bootstrap, "node.transactions")
    script = (
        "import os, sys\nfrom kafka import KafkaProducer\n"
        "p = KafkaProducer(bootstrap_servers=sys.argv[1], transactional_id='node.dead',"
        " transaction_timeout_ms=1000)\n"
        "p.init_transactions(); p.begin_transaction()\n"
        "p.send('node.transactions', b'lost').get(10); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, bootstrap], check=True, timeout=60)
    died = time.monotonic()
    # When another sends after it.
    send(bootstrap, "node.transactions", [b"kept"])
    # Then a reader of committed records is held up for seconds only, and never sees the dead one's.
    assert read(bootstrap, partition, 1) == [b"kept"]
    assert time.monotonic() - died < 8


def test_data_outlives_a_stop_and_a_kill(running_node: KafkaNode) -> None:
    # Given a node that acknowledged a record.
    node = running_node
    partition = create_topic(node.bootstrap, "kept")
    send(node.bootstrap, "kept", [b"first"], acks="all")
    address, folder = node.bootstrap, node.folder.root
    # When it is stopped and started again.
    node.restart()
    assert node.bootstrap == address
    send(node.bootstrap, "kept", [b"second"], acks="all")
    # And killed, and started again.
    node.kill()
    assert not node.is_running
    started = time.monotonic()
    node.start()
    assert time.monotonic() - started < 20
    # Then everything is there.
    assert read(node.bootstrap, partition, 2) == [b"first", b"second"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "broker.log", "broker.log.1", "log", "node.lock", "server.properties", "tmp",
    ]  # fmt: skip


def test_the_end_of_java_is_noticed_and_told(running_node: KafkaNode) -> None:
    node = running_node
    assert node.wait(0.01) is None
    os.kill(node.pid, signal.SIGKILL)
    assert node.wait(5) == -signal.SIGKILL
    assert not node.is_running
    assert "killed by signal 9" in str(node.describe_end())


def test_a_second_node_on_a_live_folder_is_refused(kafka: KafkaNode) -> None:
    with pytest.raises(DataInUse, match=f"started by process {os.getpid()}"):
        KafkaNode(kafka.data, port=0).start()
    assert kafka.is_running


def test_a_folder_stays_locked_while_a_java_process_without_its_owner_lives(
    running_node: KafkaNode,
) -> None:
    # Given that the owner lets go of the lock, as one that died would.
    running_node.folder.release()
    with pytest.raises(DataInUse):
        KafkaNode(running_node.data, port=0).start()
    running_node.stop()


def test_a_port_in_use_is_named_before_java_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        node = KafkaNode(tmp_path / "data", port=port)
        with pytest.raises(PortInUse, match=f"port {port} .* choose another port"):
            node.start()
    assert not (tmp_path / "data" / "broker.log").exists()


def test_a_host_beyond_loopback_leaves_the_disk_untouched(tmp_path: Path) -> None:
    with pytest.raises(NotLoopback):
        KafkaNode(tmp_path / "data", host="0.0.0.0").start()
    with pytest.raises(SettingsInvalid):
        KafkaNode(tmp_path / "data", properties={"listeners": "PLAINTEXT://:9092"}).start()
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(NodeFailed, match="cannot be used"):
        KafkaNode(tmp_path / "file", port=0).start()


def test_a_property_that_kafka_refuses_is_told_with_its_own_words(
    start_kafka: StartKafka,
) -> None:
    with pytest.raises(NodeFailed, match=r"num\.io\.threads"):
        start_kafka(properties={"num.io.threads": "none"})


def test_an_idle_node_has_no_address_and_no_process(tmp_path: Path) -> None:
    node = KafkaNode(tmp_path / "data")
    assert not node.is_running
    for name in ("bootstrap", "secure_bootstrap", "pid"):
        with pytest.raises(RuntimeError, match="start"):
            getattr(node, name)
    node.stop()
    assert node.wait(0) is None
    assert list(tmp_path.iterdir()) == []


def test_a_running_node_is_not_started_twice(kafka: KafkaNode) -> None:
    with pytest.raises(NodeFailed, match=f"running already, as process {kafka.pid}"):
        kafka.start()
    assert kafka.is_running


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_java_dies_with_an_owner_that_is_killed(kafka: KafkaNode, tmp_path: Path) -> None:
    # Given an owner that started its node from a thread which is long over.
    assert kafka.is_running
    script = (
        "import sys, threading, time; from pathlib import Path\n"
        "from deploy.kafka.node import KafkaNode\n"
        "node = KafkaNode(Path(sys.argv[1]), port=0)\n"
        "thread = threading.Thread(target=node.start); thread.start(); thread.join()\n"
        "time.sleep(0.2); assert node.is_running\n"
        "print(node.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        java = int(owner.stdout.readline())
        assert is_alive(java)
        # When the owner is killed.
        owner.kill()
    # Then Java is gone in a moment.
    deadline = time.monotonic() + 5
    while is_alive(java) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(java)
