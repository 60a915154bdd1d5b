"""Choose texts on which two engines are compared: our own sentences, or a file's, with its labels.

In: sentences of `pairs/`, or records. Out: `ParityTexts`. Pure; imports contracts, models.protocols, models.evaluation.

Our sentences alone are short. So that every width of a batch is met, they are also joined: two to seven of one
language, every third time the first ones as what was said before.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from contracts.errors import InvalidInput
from models.evaluation.likeness import Sentence
from models.protocols import TextInput

CONTEXT_CHARACTERS = 512
MOST_JOINED = 7
# How far apart joined sentences lie; farther in every round over all of them, so that no text comes twice.
STRIDE = 37
# How many fields or labels a message names, and how many characters of each.
MOST_SHOWN, LONG_NAME = 20, 40


class ParityTexts(NamedTuple):
    """Hold texts, the name of where they come from, and by head the label of each text, None where it has none."""

    inputs: list[TextInput]
    name: str
    truth: dict[str, list[str | None]]


def shipped_texts(sentences: Sequence[Sentence], *, count: int) -> ParityTexts:
    """Return `count` texts, half of each language where there are enough: sentences first, then joined ones."""
    english = _varied([each.en for each in sentences if each.en is not None], between=" ")
    chinese = _varied([each.zh for each in sentences], between="")
    half = count // 2
    inputs = [*islice(english, count - half), *islice(chinese, half)]
    return ParityTexts(inputs, "our own sentences, alone and joined", {})


def labelled_texts(
    records: Iterable[Mapping[str, Any]],
    labels: Mapping[str, tuple[str, ...]],
    *,
    fields: Mapping[str, str],
    count: int,
) -> ParityTexts:
    """Return at most `count` texts from all parts of the records, with the labels that the heads know.

    `fields[head]` names the field of a head's label, else the head's own name does. Raises `InvalidInput` for no text,
    a named field that none of them has, or a field of labels none of which its head knows.
    """
    rows = [record for record in records if _string(record, "text") or _string(record, "title")]
    if not rows:
        raise InvalidInput(
            "the data has no texts: expected one JSON object a line, with `text` or `title`"
        )
    rows = [rows[at * len(rows) // count] for at in range(count)] if len(rows) > count else rows
    truth = {}
    for head, known in labels.items():
        field = fields.get(head, head)
        if head in fields or any(_is_given(row, field) for row in rows):
            truth[head] = _labels(rows, known, head=head, field=field)
    inputs = [
        TextInput(
            text=_string(row, "text"),
            context=_string(row, "context")[-CONTEXT_CHARACTERS:],
            title=_string(row, "title"),
            lang_hint=_string(row, "lang") or None,
        )
        for row in rows
    ]
    return ParityTexts(inputs, "", truth)


def _varied(sentences: list[str], *, between: str) -> Iterable[TextInput]:
    """Yield the sentences, then joined ones without end; each join begins at another sentence."""
    yield from (TextInput(text=sentence) for sentence in sentences)
    at = 0
    while sentences:
        joined = 2 + at % (MOST_JOINED - 1)
        stride = STRIDE + at // len(sentences)
        chosen = [sentences[(at + part * stride) % len(sentences)] for part in range(joined)]
        before = chosen[: joined // 2] if at % 3 == 0 else []
        yield TextInput(text=between.join(chosen[len(before) :]), context="\n".join(before))
        at += 1


def _labels(
    rows: Sequence[Mapping[str, Any]], known: tuple[str, ...], *, head: str, field: str
) -> list[str | None]:
    """Return the label of each row, None where the head does not know it. Raises `InvalidInput` where it knows none."""
    labels = [_label(row.get(field), known) for row in rows]
    if any(labels):
        return labels
    if not any(field in row for row in rows):
        names = sorted({name for row in rows for name in row})
        raise InvalidInput(
            f"none of {len(rows):,} texts has the field {field!r} for the label of {head};"
            f" they have {', '.join(names[:MOST_SHOWN])}"
        )
    counts = Counter(str(row[field])[:LONG_NAME] for row in rows if _is_given(row, field))
    found = ", ".join(f"{name} ({count})" for name, count in counts.most_common(MOST_SHOWN))
    raise InvalidInput(
        f"the field {field!r} of {len(rows):,} texts has no label that the head {head} knows:"
        f" it has {found or 'none'}; expected some of {', '.join(known[:MOST_SHOWN])}"
    )


def _is_given(row: Mapping[str, Any], field: str) -> bool:
    return row.get(field) not in (None, "")


def _label(value: object, known: tuple[str, ...]) -> str | None:
    return value if isinstance(value, str) and value in known else None


def _string(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""
