"""`hubbub topics`: what is missing is made, and every difference from the table is told."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from consumers.runtime.topics import topics_of
from contracts.settings import Settings, load
from tests.streams import ROOT


@pytest.fixture
def fresh(bootstrap: str) -> Settings:
    prefix = f"c{uuid.uuid4().hex[:10]}."
    return load(
        flags={"kafka": {"bootstrap": bootstrap}, "topics": {"prefix": prefix, "partitions": 2}}
    )


def rows(run: Any, settings: Settings) -> dict[str, dict[str, Any]]:
    listed = json.loads(run(settings, "topics", "list", "--json").stdout)
    return {row["topic"].removeprefix(settings.topics.prefix): row for row in listed}


def test_create_makes_what_is_missing_and_nothing_twice(run: Any, fresh: Settings) -> None:
    # Given no topics
    before = run(fresh, "topics", "list")
    # When they are made, twice
    first = json.loads(run(fresh, "topics", "create", "--json").stdout)
    second = json.loads(run(fresh, "topics", "create", "--json").stdout)
    # Then all are there once, the changelog of the score group as well
    assert before.exit_code == 1
    assert before.stdout.count("missing: `hubbub topics create` makes it") == len(topics_of(fresh))
    assert len(first["made"]) == len(topics_of(fresh))
    assert f"{fresh.topics.prefix}score.changelog" in first["made"]
    assert second == {"made": [], "partitions": 2}
    assert run(fresh, "topics", "list").exit_code == 0


def test_list_shows_partitions_retention_and_that_all_is_in_sync(run: Any, fresh: Settings) -> None:
    run(fresh, "topics", "create")
    found = rows(run, fresh)
    assert found["events.text"]["partitions"] == 2
    assert found["events.text"]["retention_ms"] == 7 * 86_400_000
    assert found["watches"] | {"topic": ""} == {
        "topic": "", "partitions": 1, "retention_ms": None, "cleanup": "compact", "differences": [],
    }  # fmt: skip
    assert [name for name, row in found.items() if row["differences"]] == []


def test_list_tells_every_difference_from_the_table(run: Any, fresh: Settings) -> None:
    # Given topics of which one has other partitions and one other settings
    run(fresh, "topics", "create")
    with KafkaAdminClient(bootstrap_servers=fresh.kafka.bootstrap) as admin:
        admin.create_partitions({f"{fresh.topics.prefix}scored": 3})
        changed = {"max.message.bytes": "2048", "retention.ms": "3600000"}
        admin.alter_configs([ConfigResource("TOPIC", f"{fresh.topics.prefix}mentions", changed)])
    # When they are listed, once the broker has it all
    until = time.monotonic() + 10
    found = rows(run, fresh)
    while not (found["scored"]["differences"] and found["mentions"]["differences"]):
        assert time.monotonic() < until
        found = rows(run, fresh)
    # Then the differences stand there in words, and the exit code is 1
    assert found["scored"]["differences"] == ["3 partitions; expected 2"]
    assert found["mentions"]["differences"] == [
        "max.message.bytes 2048; expected 16777216",
        f"retention.ms 3600000; expected {7 * 86_400_000}",
    ]
    assert run(fresh, "topics", "list").exit_code == 1


@pytest.mark.parametrize("words", ["topics list", "status", "tail scored", "dead-letter list"])
def test_a_broker_that_is_not_there_is_given_up_on_in_time_and_named(words: str) -> None:
    variables = {"HUBBUB_KAFKA_CONNECT_TIMEOUT_S": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "hubbub", *words.split(), "--bootstrap", "127.0.0.1:1"],
        cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == 75
    assert re.fullmatch(
        r"error \(broker_unreachable\): no Kafka at 127\.0\.0\.1:1.*\n", done.stderr
    )
