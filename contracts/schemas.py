"""Schemas: a JSON Schema for each record and one AsyncAPI document, made from the structs and the table of topics.

In: the codec's record types, the table of topics. Out: files in `contracts/generated`, the same to the byte each time.
Imports msgspec and contracts alone. Source: JSON Schema 2020-12, AsyncAPI 3.0.0 and its Kafka bindings 0.5.0.

`python -m contracts.schemas` writes them again after a change.
"""

from pathlib import Path
from typing import Any

import msgspec

from contracts.codec import RECORD_TYPES
from contracts.dead_letters import PREFIX, DeadLetter
from contracts.topics import TABLE, Topic, TopicNames

FOLDER = Path(__file__).parent / "generated"
ASYNCAPI = "asyncapi.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FORMAT = "application/schema+json;version=draft-2020-12"
KAFKA_BINDING = "0.5.0"
# These write what Hubbub reads; every other topic is written by Hubbub for others to read.
OUTSIDE = frozenset({"producers", "command"})
_NAMES = {record.__name__: type_name for record, type_name in RECORD_TYPES.items()}
_TEXT = {"type": "string"}


def record_schema(record: type[msgspec.Struct]) -> dict[str, Any]:
    """Return one record's JSON Schema, whole, its parts under `$defs`."""
    (schema,), parts = msgspec.json.schema_components([record], ref_template="#/$defs/{name}")
    body = parts.pop(record.__name__, schema)
    name = RECORD_TYPES[record]
    whole = {"$schema": DIALECT, "$id": f"urn:{name.replace('.', ':')}", **_tidied(body)}
    return whole | ({"$defs": _tidied(parts)} if parts else {})


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI document: channels are topics, messages are records."""
    _, parts = msgspec.json.schema_components(
        list(RECORD_TYPES), ref_template="#/components/schemas/{name}"
    )
    messages = {name: _message(name, key=_key_of(name)) for name in _NAMES}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hubbub",
            "version": "1.0.0",
            "description": "What Hubbub reads and writes on Kafka. Records are CloudEvents 1.0 in binary mode; "
            "structured mode and bare JSON are read too. A record grows by new optional fields alone.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TABLE},
        "operations": {_operation_name(topic): _operation(topic) for topic in TABLE},
        "components": {
            "messages": messages | {"DeadLetter": _letter_message()},
            "schemas": _tidied(parts),
        },
    }


def contents() -> dict[str, str]:
    """Return every generated file's text by its name."""
    schemas = {
        f"{name.removeprefix('hubbub.')}.schema.json": record_schema(record)
        for record, name in RECORD_TYPES.items()
    }
    return {name: _text(document) for name, document in (schemas | {ASYNCAPI: asyncapi()}).items()}


def write(folder: Path = FOLDER) -> None:
    """Write every generated file into `folder`, and remove schemas of records that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    files = contents()
    for stale in set(folder.glob("*.json")) - {folder / name for name in files}:
        stale.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _channel(topic: Topic) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "cleanup.policy": [topic.cleanup],
        "max.message.bytes": topic.limit_bytes,
    }
    if topic.retention_ms is not None:
        settings["retention.ms"] = topic.retention_ms
    kafka: dict[str, Any] = {"topicConfiguration": settings, "bindingVersion": KAFKA_BINDING}
    if topic.spread == "single":
        kafka["partitions"] = 1
    return {
        "address": "{prefix}" + topic.name,
        "description": f"Key: {topic.key}. Written by: {topic.written_by}. Kept: {topic.kept()}. "
        + _partitions_in_words(topic),
        "parameters": {
            "prefix": {"default": TopicNames().prefix, "description": "The setting topics.prefix."}
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.records},
        "bindings": {"kafka": kafka},
    }


def _partitions_in_words(topic: Topic) -> str:
    if topic.spread == "single":
        return "One partition, read whole by every worker."
    return "As many partitions as the setting topics.partitions says, as all partitioned topics."


def _operation_name(topic: Topic) -> str:
    words = topic.name.replace(".", "-").split("-")
    return _action(topic) + "".join(word.capitalize() for word in words)


def _operation(topic: Topic) -> dict[str, Any]:
    # In an address `/` would be written ~1; no topic's name has one.
    channel = f"#/channels/{topic.name}"
    return {
        "action": _action(topic),
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in topic.records],
    }


def _action(topic: Topic) -> str:
    return "receive" if topic.written_by in OUTSIDE else "send"


def _message(name: str, *, key: str) -> dict[str, Any]:
    optional = {
        "ce_time": "RFC 3339 time of what the record tells of.",
        "traceparent": "W3C trace.",
    }
    required = {
        "ce_specversion": {"const": "1.0"},
        "ce_type": {"const": _NAMES[name]},
        "ce_id": {"type": "string", "description": "The record's own id."},
        "ce_source": {"type": "string", "description": "Who made the record."},
        "content-type": {"const": "application/json"},
    }
    return {
        "name": _NAMES[name],
        "title": name,
        "contentType": "application/json",
        "headers": _headers(required, optional),
        "payload": {
            "schemaFormat": SCHEMA_FORMAT,
            "schema": {"$ref": f"#/components/schemas/{name}"},
        },
        "bindings": _key_binding(key),
    }


def _letter_message() -> dict[str, Any]:
    required: dict[str, Any] = {}
    optional: dict[str, str] = {}
    for field in msgspec.structs.fields(DeadLetter):
        header = PREFIX + field.encode_name.replace("_", "-")
        if field.required:
            required[header] = dict(_TEXT)
        else:
            optional[header] = "" if field.default is None else f"Default: {field.default}."
    return {
        "name": "dead-letter",
        "title": "DeadLetter",
        "summary": "The original's key, value and headers as they came, and in further headers why and where it died.",
        "description": " ".join((DeadLetter.__doc__ or "").split()),
        "headers": _headers(required, optional),
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": {"description": "Any bytes."}},
        "bindings": _key_binding("the original key"),
    }


def _headers(required: dict[str, Any], optional: dict[str, str]) -> dict[str, Any]:
    told = {
        name: _TEXT | ({"description": words} if words else {}) for name, words in optional.items()
    }
    return {"type": "object", "properties": required | told, "required": list(required)}


def _key_of(record: str) -> str:
    return next(topic.key for topic in TABLE if record in topic.records)


def _key_binding(key: str) -> dict[str, Any]:
    return {
        "kafka": {"key": {"type": "string", "description": key}, "bindingVersion": KAFKA_BINDING}
    }


def _tidied(schema: Any) -> Any:
    """Return a schema with its descriptions on one line each: docstrings are wrapped for the screen."""
    if isinstance(schema, list):
        return [_tidied(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: " ".join(value.split())
        if name == "description" and isinstance(value, str)
        else _tidied(value)
        for name, value in schema.items()
    }


def _text(document: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


if __name__ == "__main__":
    write()
