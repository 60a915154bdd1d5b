"""What every command shares: flags over the environment, quiet libraries, safe words."""

import logging
import time
from collections.abc import Iterator

import pytest

from consumers.cli.logs import quiet_kafka
from consumers.cli.options import settings_from
from consumers.cli.printing import safe, shown_bytes
from consumers.operations import repairing
from consumers.operations.repairing import RepairFailed, by_command
from contracts.errors import SettingsInvalid


def test_a_flag_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_KAFKA_BOOTSTRAP", "env:1")
    monkeypatch.setenv("HUBBUB_SCORE_GROUP", "env")
    settings = settings_from("flag:1", None, score={"group": None, "model": "identity"})
    assert settings.kafka.bootstrap == "flag:1"
    assert (settings.score.group, settings.score.model) == ("env", "identity")
    assert settings_from(None, None).kafka.bootstrap == "env:1"


def test_a_flag_is_checked_as_every_setting_is() -> None:
    with pytest.raises(SettingsInvalid, match=r"kafka\.bootstrap"):
        settings_from(" , ", None)


@pytest.fixture
def kafka_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("kafka")
    level = logger.level
    yield logger
    logger.setLevel(level)


def test_the_kafka_client_is_quiet_unless_asked(kafka_logger: logging.Logger) -> None:
    quiet_kafka(verbose=False)
    assert not logging.getLogger("kafka.net.manager").isEnabledFor(logging.ERROR)
    quiet_kafka(verbose=True)
    assert logging.getLogger("kafka.net.manager").isEnabledFor(logging.INFO)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 你好 — é", "plain 你好 — é"),
        ("family 👨‍👩‍👧", "family 👨‍👩‍👧"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\u2028\u202e\u2066\ufeff", r"\u2028\u202e\u2066\ufeff"),
        ("\ud800", r"\ud800"),
    ],
)
def test_text_cannot_steer_a_terminal(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_bytes_are_shown_whole_or_cut_with_their_size() -> None:
    assert shown_bytes(None) == "(null)"
    assert shown_bytes(b"\xff\x1b") == r"\xff\x1b"
    assert shown_bytes(b"x" * 5000, 3) == "xxx … (5,000 bytes in all)"


def test_a_repair_sees_the_bytes_and_gives_bytes() -> None:
    assert by_command("cat")(b"\x00\xff") == b"\x00\xff"
    assert by_command("printf nothing-was-there; cat")(None) == b"nothing-was-there"


def test_a_repair_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repairing, "COMMAND_TIMEOUT_S", 0.3)
    begun = time.monotonic()
    with pytest.raises(RepairFailed, match=r"longer than 0\.3 s"):
        by_command("sleep 30 | cat")(b"x")
    assert time.monotonic() - begun < 10
