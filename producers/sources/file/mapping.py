"""Mapping: a row of any shape becomes an event.

In: decoded JSON rows and the mapping that the command was given. Out: events, or errors that name the field. Pure;
imports contracts and msgspec.
"""

import difflib
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from contracts.errors import RecordMisfit, RecordUndecodable, SourceInvalid
from contracts.events import Author, Event
from contracts.moments import parse_moment

TIME = "observed_at"
EVENT_FIELDS = tuple(
    field.name for field in msgspec.structs.fields(Event) if field.name != "received_at"
)
AUTHOR_FIELDS = tuple(f"author.{field.name}" for field in msgspec.structs.fields(Author))
TARGETS = ("time", *(name for name in EVENT_FIELDS if name != TIME), *AUTHOR_FIELDS)
ID_BYTES = 16
_ROW: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
Row = dict[str, Any]
Getter = Callable[[Row], Any]


def decode_row(content: bytes) -> Row:
    """Return one line's JSON object; raises RecordUndecodable or RecordMisfit."""
    try:
        row = _ROW.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordUndecodable(f"not JSON in UTF-8: {error}") from error
    except RecursionError as error:
        raise RecordUndecodable("JSON nested too deeply") from error
    if not isinstance(row, dict):
        raise RecordMisfit(f"a JSON {type(row).__name__}; expected an object")
    return row


def value_at(row: Row, path: str) -> Any:
    """Return what lies at a dotted path (`user.screen_name`), None where there is nothing.

    A key that itself contains the dots goes first.
    """
    if path in row:
        return row[path]
    value: Any = row
    for step in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


class RowMapping:
    """Make events of rows: `maps` are `field=path.in.row`, `literals` are `field=value`, the same for every row.

    A field that neither names is taken from the row's field of the same name (`time` also from `observed_at`).
    `source_name` is the event's source where nothing gives one, and goes into the id of a row without id. Raises
    SourceInvalid for a field that events do not have.
    """

    def __init__(
        self, maps: Sequence[str] = (), literals: Sequence[str] = (), *, source_name: str
    ) -> None:
        self._source_name = source_name
        mapped = dict(_pair(text, "--map") for text in maps)
        fixed = dict(_pair(text, "--set") for text in literals)
        if both := mapped.keys() & fixed.keys():
            raise SourceInvalid(f"{sorted(both)[0]}: named by --map and by --set; give it once")
        self._getters = {target: _getter(target, mapped=mapped, fixed=fixed) for target in TARGETS}

    def event(self, row: Row, content: bytes) -> Event:
        """Return a row's event; `content` is its line, from which a missing id is made.

        That id is 128 bits of BLAKE2b over the source's name and the line: the same line of the same file always has
        the same. Raises RecordMisfit, whose place is the event's field.
        """
        found = {target: get(row) for target, get in self._getters.items()}
        fields = {name: value for name, value in found.items() if value is not None}
        fields[TIME] = _moment(fields.pop("time", None))
        fields.setdefault("source", self._source_name)
        if "id" not in fields:
            fields["id"] = content_id(self._source_name, content)
        _gather_author(fields)
        for name in _TEXTS & fields.keys():
            fields[name] = _text(fields[name])
        try:
            return msgspec.convert(fields, Event)
        except msgspec.ValidationError as error:
            raise _misfit(error) from error


def content_id(source_name: str, content: bytes) -> str:
    """Return the id of a row that has none, 32 hex digits."""
    framed = source_name.encode() + b"\0" + content
    return hashlib.blake2b(framed, digest_size=ID_BYTES).hexdigest()


_TEXTS = frozenset(
    ("id", "source", "text", "tenant", "thread", "repost_of", "reply_to", "context", "url", "lang", "title")
)  # fmt: skip


def _pair(text: str, option: str) -> tuple[str, str]:
    target, equals, value = text.partition("=")
    if not equals or not value:
        raise SourceInvalid(f"{option} {text!r}; expected FIELD=VALUE, such as text=tweet")
    name = "time" if target == TIME else target
    if name not in TARGETS:
        near = difflib.get_close_matches(name, TARGETS, n=3) or list(TARGETS)
        raise SourceInvalid(
            f"{option} {text!r}: events have no field {target!r}; near: {', '.join(near)}"
        )
    return name, value


def _getter(target: str, *, mapped: dict[str, str], fixed: dict[str, str]) -> Getter:
    if target in fixed:
        literal: object = fixed[target]
        if target == "author.followers":
            literal = _whole(fixed[target])
        return lambda row: literal
    if target in mapped:
        path = mapped[target]
        return lambda row: value_at(row, path)
    if target == "time":
        return lambda row: row.get("time", row.get(TIME))
    if target.startswith("author."):
        return lambda row: None
    return lambda row: row.get(target)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise SourceInvalid(f"author.followers={text!r}; expected a whole number") from error


def _moment(value: object) -> object:
    if value is None:
        raise RecordMisfit("no time; name the row's field with --map time=FIELD", place="$.time")
    try:
        return parse_moment(value)
    except RecordMisfit as error:
        raise RecordMisfit(str(error), place="$.time") from error


def _gather_author(fields: dict[str, Any]) -> None:
    """Make one author of `author` (an object or a name alone) and the `author.*` fields."""
    given = fields.pop("author", None)
    author = dict(given) if isinstance(given, dict) else {}
    if given is not None and not isinstance(given, dict):
        author["key"] = _text(given)
    for target in AUTHOR_FIELDS:
        if target in fields:
            value = fields.pop(target)
            author[target.partition(".")[2]] = value if target == AUTHOR_FIELDS[2] else _text(value)
    if author:
        author.setdefault("key", author.get("name"))
        fields["author"] = author


def _text(value: object) -> object:
    """Return a whole number as text, since many datasets number their ids; anything else stays what it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _misfit(error: msgspec.ValidationError) -> RecordMisfit:
    _, _, place = str(error).partition(" - at `")
    return RecordMisfit(str(error), place=place.rstrip("`") or "$")
