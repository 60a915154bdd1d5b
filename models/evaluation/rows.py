"""Turn records into texts with a label, and count what cannot be one.

In: dicts from a file. Out: `LabelledText`s and the number of rows passed over, by reason. Pure; imports contracts and
models.protocols.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from contracts.errors import InvalidInput
from models.protocols import TextInput

CONTEXT_CHARACTERS = 512
LABEL = "label"
NO_TEXT = "no text"
TEXT_NOT_STRING = "text is not a string"
NO_LABEL = "no label"
SEVERAL_LABELS = "several labels"
ODD_LABEL = "label is not a name"


class Fields(NamedTuple):
    """Name the fields of a record: its label's, and its dialogue's where the rows before it are its context."""

    label: str = LABEL
    dialogue: str | None = None
    has_context: bool = True


class LabelledText(NamedTuple):
    """Hold one text, its label as the file has it, and the language that the file claims."""

    item: TextInput
    label: str
    lang: str | None


class Rows(msgspec.Struct, frozen=True):
    """Hold the rows that have one label, and how many others were passed over for which reason."""

    texts: list[LabelledText]
    skipped: Counter[str]


def label_field(records: Sequence[Mapping[str, Any]], task: str) -> str:
    """Return the field that holds the label where nobody said: `label`, or one of the task's name where none is."""
    has = {name for record in records for name in (LABEL, task) if name in record}
    return task if task in has and LABEL not in has else LABEL


def read_labelled(records: Iterable[Mapping[str, Any]], fields: Fields) -> Rows:
    """Return every record with a `text` and one label, and its `title`, `context` (a string or turns) and `lang`.

    A label is a string, a whole number, true or false, or a list of one of them. A record without `text` may have a
    `title` alone. A context is cut to its last 512 characters. Raises `InvalidInput` when there is no record, or none
    with the label's field.
    """
    texts: list[LabelledText] = []
    skipped: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    turns: list[str] = []
    dialogue: object = None
    for record in records:
        seen.update(record.keys())
        if fields.dialogue and record.get(fields.dialogue) != dialogue:
            dialogue, turns = record.get(fields.dialogue), []
        label, problem = _label(record.get(fields.label))
        problem = _text_problem(record) or problem
        if problem:
            skipped[problem] += 1
        else:
            lang = _string(record, "lang")
            texts.append(LabelledText(_item(record, fields, turns=turns), label, lang or None))
        if fields.dialogue:
            turns.append(_string(record, "text"))
    _check_fields(seen, fields)
    return Rows(texts, skipped)


def _check_fields(seen: Counter[str], fields: Fields) -> None:
    if not seen:
        raise InvalidInput(
            "the data has no rows: expected one JSON object a line, with `text` and a label"
        )
    for name in filter(None, (fields.label, fields.dialogue)):
        if name not in seen:
            option = "--field" if name == fields.label else "--dialogue"
            raise InvalidInput(
                f"no row has the field {name!r}; the rows have {', '.join(sorted(seen)[:20])}: name one with {option}"
            )


def _item(record: Mapping[str, Any], fields: Fields, *, turns: list[str]) -> TextInput:
    context = "\n".join(turns) if fields.dialogue else _context(record.get("context"))
    return TextInput(
        text=_string(record, "text"),
        context=context[-CONTEXT_CHARACTERS:] if fields.has_context else "",
        title=_string(record, "title"),
        lang_hint=_string(record, "lang") or None,
    )


def _text_problem(record: Mapping[str, Any]) -> str | None:
    text = record.get("text")
    if text is None:
        return None if _string(record, "title") else NO_TEXT
    return None if isinstance(text, str) else TEXT_NOT_STRING


def _label(value: object) -> tuple[str, str | None]:
    """Return the label as text, or why there is none."""
    if isinstance(value, list):
        if len(value) > 1:
            return "", SEVERAL_LABELS
        value = value[0] if value else None
    if isinstance(value, bool):
        return str(value).lower(), None
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return str(int(value)), None
    if isinstance(value, str):
        return (value.strip(), None) if value.strip() else ("", NO_LABEL)
    return "", NO_LABEL if value is None else ODD_LABEL


def _context(value: object) -> str:
    turns = value if isinstance(value, list) else [value]
    return "\n".join(turn for turn in turns if isinstance(turn, str))


def _string(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""
