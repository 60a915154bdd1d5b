"""What is generated is what the code says, and anyone can follow it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from contracts import reference, schemas
from contracts.codec import RECORD_TYPES, make_headers
from contracts.dead_letters import DeadLetter
from contracts.errors import HubbubError
from contracts.topics import TABLE

ASYNCAPI = schemas.asyncapi()


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_the_schemas_are_up_to_date(tmp_path: Path) -> None:
    schemas.write(tmp_path)
    assert texts(schemas.FOLDER) == texts(tmp_path), "run: python -m contracts.schemas"


def test_the_reference_is_up_to_date(tmp_path: Path) -> None:
    reference.write_all(tmp_path)
    kept = {name: text for name, text in texts(reference.FOLDER).items() if name in reference.PAGES}
    assert kept == texts(tmp_path), f"run: {reference.REMEDY}"


def test_writing_again_removes_the_schema_of_a_record_that_is_no_more(tmp_path: Path) -> None:
    (tmp_path / "rumour.v1.schema.json").write_text("{}", encoding="utf-8")
    schemas.write(tmp_path)
    assert not (tmp_path / "rumour.v1.schema.json").exists()


def test_the_reference_takes_further_pages(tmp_path: Path) -> None:
    reference.write_all(tmp_path, pages={**reference.PAGES, "commands.md": lambda: "# Commands\n"})
    assert set(texts(tmp_path)) == {*reference.PAGES, "commands.md"}
    assert texts(tmp_path)["commands.md"] == "# Commands\n"


@pytest.mark.parametrize("record", RECORD_TYPES, ids=lambda record: str(record.__name__))
def test_a_schema_is_one_by_its_own_rules(record: type[msgspec.Struct]) -> None:
    Draft202012Validator.check_schema(schemas.record_schema(record))


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def followed(document: Any, pointer: str) -> Any:
    for step in pointer.removeprefix("#/").split("/"):
        document = document[step]
    return document


def test_every_reference_in_the_document_leads_somewhere() -> None:
    found = set(references(ASYNCAPI))
    assert len(found) > len(TABLE)
    assert [ref for ref in found if not followed(ASYNCAPI, ref)] == []


def test_every_topic_is_a_channel_with_its_key_and_how_long_it_keeps() -> None:
    channels = ASYNCAPI["channels"]
    assert list(channels) == [topic.name for topic in TABLE]
    for topic in TABLE:
        channel = channels[topic.name]
        configuration = channel["bindings"]["kafka"]["topicConfiguration"]
        assert channel["address"] == "{prefix}" + topic.name
        assert list(channel["messages"]) == list(topic.records)
        assert f"Key: {topic.key}." in channel["description"]
        assert configuration["cleanup.policy"] == [topic.cleanup]
        assert configuration.get("retention.ms") == topic.retention_ms
        assert configuration["max.message.bytes"] == topic.limit_bytes


def test_each_topic_is_received_or_sent() -> None:
    assert {name: operation["action"] for name, operation in ASYNCAPI["operations"].items()} == {
        "receiveEventsText": "receive", "receiveEventsMedia": "receive", "receiveWatches": "receive",
        "receiveFeedback": "receive", "sendScored": "send", "sendMentions": "send", "sendAlerts": "send",
        "sendAlertTransitions": "send", "sendDeadLetter": "send",
    }  # fmt: skip


@pytest.mark.parametrize("record", RECORD_TYPES, ids=lambda record: str(record.__name__))
def test_the_headers_that_are_written_are_the_headers_that_are_described(
    record: type[msgspec.Struct],
) -> None:
    described = ASYNCAPI["components"]["messages"][record.__name__]["headers"]
    written = make_headers(record, "1", source="s", time="t", traceparent="p")
    headers = {name: value.decode() for name, value in written}
    Draft202012Validator(described).validate(headers)
    assert set(headers) == set(described["properties"])
    assert set(dict(make_headers(record, "1", source="s"))) == set(described["required"])


def test_the_headers_of_a_dead_letter_are_described() -> None:
    described = ASYNCAPI["components"]["messages"]["DeadLetter"]["headers"]
    letter = DeadLetter("score", "c", "r", "t", 0, 0, last_offset=1)
    headers = {name: value.decode() for name, value in letter.to_headers()}
    Draft202012Validator(described).validate(headers)
    assert set(headers) == set(described["properties"])


def test_nothing_generated_knows_the_machine_that_made_it() -> None:
    home = str(Path.home())
    pages = [make() for make in reference.PAGES.values()] + list(schemas.contents().values())
    assert [page for page in pages if home in page or str(Path.cwd()) in page] == []
    assert "`~/.local/share/hubbub/models`" in reference.settings_page()


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for make in reference.PAGES.values():
        tables = re.findall(r"(?m)(?:^\|.*\|$\n?)+", make())
        assert tables
        for table in tables:
            cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
            assert len(cells) == 1


def test_an_error_that_is_not_ours_is_not_in_the_reference() -> None:
    class Foreign(HubbubError):
        """Stand for an error that a test made."""

        code = "foreign"

    assert Foreign not in reference.every_error()
    assert "foreign" not in reference.errors_page()
