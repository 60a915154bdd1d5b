"""A full disk: the broker shuts down, the command says why, and what was acknowledged is kept."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from contracts.errors import DiskFull
from tests.conftest import StartKafka
from tests.deploy.kafka.conftest import RunCommand


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 40 MB; skip where that takes rights that we lack."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)):
        pytest.skip("mounting a small disk takes root's rights")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def mount(*arguments: str) -> bool:
    with suppress(FileNotFoundError):
        return (
            subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0
        )
    return False


# A process of its own: kafka-python leaves the sockets open with which it calls a broker in vain.
FILL = """
import os, sys
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaError
with KafkaAdminClient(bootstrap_servers=sys.argv[1]) as admin:
    admin.create_topics([NewTopic("filling", 1, 1)])
producer = KafkaProducer(
    bootstrap_servers=sys.argv[1], delivery_timeout_ms=2000, request_timeout_ms=1000, acks="all"
)
value, acknowledged = os.urandom(500_000), 0
try:
    while acknowledged < 1000:
        producer.send("filling", value).get(5)
        acknowledged += 1
except KafkaError:
    print(acknowledged, flush=True)
os._exit(0)
"""


def fill(bootstrap: str) -> int:
    """Send to a topic until the broker refuses, and return how many records it acknowledged."""
    run = subprocess.run(
        [sys.executable, "-c", FILL, bootstrap],
        check=True, stdout=subprocess.PIPE, text=True, timeout=60,
    )  # fmt: skip
    return int(run.stdout)


def test_a_full_disk_is_told_and_loses_nothing(
    small_disk: Path, run_command: RunCommand, start_kafka: StartKafka
) -> None:
    # Given the command on a small disk, filled until the broker refuses.
    command = run_command(small_disk / "data")
    address, _ = command.await_banner()
    acknowledged = fill(address)
    # Then it ends as failed and says why and what to do.
    code, _, err = command.end(20)
    assert code == 1
    assert f"the disk under {small_disk}" in err
    assert "make room there" in err
    assert "Traceback" not in err
    # And says it again to who starts without making room.
    with pytest.raises(DiskFull):
        start_kafka(small_disk / "data")
    # When there is room, then every acknowledged record is there.
    assert mount("-o", "remount,size=200m", str(small_disk))
    node = start_kafka(small_disk / "data")
    consumer = KafkaConsumer(bootstrap_servers=node.bootstrap)
    partition = TopicPartition("filling", 0)
    assert consumer.end_offsets([partition])[partition] >= acknowledged > 10
    consumer.close()
