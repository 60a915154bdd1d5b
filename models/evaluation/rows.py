"""Turn records into texts with a label, and count what cannot be one.

In: dicts from a file. Out: `LabelledText`s and the number of rows passed over, by reason. Pure; imports contracts,
models.protocols and models.evaluation.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from contracts.errors import InvalidInput
from models.evaluation.printable import printable
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

    A label is what `label_of` takes. A record without `text`, or with an empty one, may have a `title` alone. A context
    is cut to its last 512 characters. Raises `InvalidInput` when there is no record, or none with the label's field.
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
        label, problem = label_of(record.get(fields.label))
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
            has = ", ".join(map(printable, sorted(seen)[:20]))
            raise InvalidInput(
                f"no row has the field {name!r}; the rows have {has}: name one with {option}"
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
    if text is not None and not isinstance(text, str):
        return TEXT_NOT_STRING
    return None if (text or "").strip() or _string(record, "title").strip() else NO_TEXT


def label_of(value: object) -> tuple[str, str | None]:
    """Return the label of a row as text, or why there is none; `evaluate` and `fit-head` take labels alike.

    A label is a string, a whole number, true or false, or a list of one of them.

    >>> [label_of(value)[0] for value in (" joy ", 1.0, True, ["joy"])]
    ['joy', '1', 'true', 'joy']
    """
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
