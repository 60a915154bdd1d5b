"""The command `hubbub kafka`, as a person or a supervisor runs it."""

import os
import signal
import time
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from tests.deploy.kafka.conftest import RunCommand


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_when_asked(
    number: signal.Signals, run_command: RunCommand, tmp_path: Path
) -> None:
    command = run_command(tmp_path / "data")
    address, _ = command.await_banner()
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        assert admin.list_topics() == []
    command.process.send_signal(number)
    # A node that does not end in order is killed after 8 s.
    assert command.end(20) == (0, "Kafka has stopped.\n", "")


def test_a_killed_broker_is_told_and_a_new_start_finds_all_data(
    run_command: RunCommand, tmp_path: Path
) -> None:
    # Given a command whose broker holds a topic.
    command = run_command(tmp_path / "data")
    address, java = command.await_banner()
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_topics([NewTopic("kept", 1, 1)])
    # When Java is killed.
    os.kill(java, signal.SIGKILL)
    # Then the command says so and ends as failed.
    code, _, err = command.end(10)
    assert code == 1
    assert "killed by signal 9" in err
    assert "Traceback" not in err
    # And the next one has the topic.
    address, _ = run_command(tmp_path / "data").await_banner()
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        assert admin.list_topics() == ["kept"]


def test_it_can_be_stopped_while_it_still_starts(run_command: RunCommand, tmp_path: Path) -> None:
    command = run_command(tmp_path / "data")
    log = tmp_path / "data" / "broker.log"
    while not log.exists():
        assert command.process.poll() is None
        time.sleep(0.01)
    command.process.send_signal(signal.SIGHUP)
    assert command.end(10) == (0, "Kafka has stopped.\n", "")


def test_an_address_beyond_loopback_ends_it_with_the_reason(
    run_command: RunCommand, tmp_path: Path
) -> None:
    code, _, err = run_command(tmp_path / "data", "--host", "0.0.0.0").end(30)
    assert code == 1
    assert "'0.0.0.0'" in err
    assert "Traceback" not in err
