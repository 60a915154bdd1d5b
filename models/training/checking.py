"""Find what is wrong with a training's settings before anything is fitted: names, heads without rows, missing layers.

In: a `TrainingConfig`, later the rows that were read. Out: sentences that name key, value and what was expected, or
`SettingsInvalid`. Pure; imports contracts, never torch. The range of a single number stands at its field in
models.training.config.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from contracts.errors import SettingsInvalid

if TYPE_CHECKING:
    from models.training.config import FitConfig, TrainingConfig
    from models.training.sources import LabelledRow

# Pieces beside a text and its context: their frames and the base encoder's prefix.
FRAME_POSITIONS = 8


def mistakes_of(config: "TrainingConfig") -> Iterator[str]:
    """Yield what is wrong with a config whose values are all of the right type and range."""
    yield from _mistakes_of_teachers(config)
    for key, fit in fits_of(config).items():
        yield from mistakes_of_fit(config, fit, key=key)
    first, last = config.student.first.layers, config.student.fit.layers
    if first != last:
        yield f"student.fit.layers is {last}; expected {first} as in student.first, from whose weights it begins"
    yield from _mistakes_of_heads(config)
    yield from _mistakes_of_abstain(config)


def fits_of(config: "TrainingConfig") -> dict[str, "FitConfig"]:
    """Return every stage that is fitted, by its key."""
    teacher = {"teacher.fit": config.teacher.fit} if config.teacher.count else {}
    return teacher | {"student.first": config.student.first, "student.fit": config.student.fit}


def mistakes_of_fit(config: "TrainingConfig", fit: "FitConfig", *, key: str) -> Iterator[str]:
    """Yield what is wrong with one stage beside its numbers: heads that do not exist, nothing to learn from."""
    for name in fit.heads:
        if name not in config.heads:
            yield f"{key}.heads names {name!r}; expected some of {', '.join(config.heads)}"
    if not (fit.labels or fit.soft_labels or fit.likeness):
        yield f"{key} learns nothing: labels, soft_labels and likeness are 0; expected one above 0"


def check_fit(config: "TrainingConfig", fit: "FitConfig", *, base_layers: int) -> None:
    """Raise `SettingsInvalid` where a stage cannot be fitted in a run, whose base encoder has `base_layers` layers."""
    mistakes = list(mistakes_of_fit(config, fit, key="fit"))
    if not 1 <= fit.layers <= base_layers:
        mistakes.append(f"fit.layers is {fit.layers}; expected 1 to {base_layers}")
    if fit.samples < 1:
        mistakes.append(f"fit.samples is {fit.samples}; expected 1 or more")
    if mistakes:
        raise SettingsInvalid("; ".join(mistakes))


def check_rows(config: "TrainingConfig", rows: Sequence["LabelledRow"]) -> None:
    """Raise `SettingsInvalid` where an exported head has nothing to learn from, or nothing to be judged on."""
    for head in config.exported:
        files = ", ".join(source.file for source in config.sources if source.head == head)
        if not any(row.head == head and not row.is_dev for row in rows):
            raise SettingsInvalid(f"heads.{head} has no training rows, of {files}; expected some")
        if not any(row.head == head and row.is_dev for row in rows):
            raise SettingsInvalid(
                f"heads.{head} has no development rows, of {files}; expected a source of it with "
                'role = "dev", dev_share, dev_dialogues or dev_from that leaves some'
            )


def check_base(config: "TrainingConfig", *, layers: int, positions: int) -> None:
    """Raise `SettingsInvalid` where a config wants more layers or longer texts than the base encoder has."""
    for key, fit in fits_of(config).items():
        if fit.layers > layers:
            raise SettingsInvalid(
                f"{key}.layers is {fit.layers}; expected at most {layers}, which {config.base.package} has"
            )
    limits = config.vocabulary
    if limits.token_limit + limits.context_limit + FRAME_POSITIONS > positions:
        raise SettingsInvalid(
            f"vocabulary.token_limit is {limits.token_limit} and context_limit {limits.context_limit}; expected "
            f"{positions - FRAME_POSITIONS} together at most, which {config.base.package} can read"
        )


def _mistakes_of_teachers(config: "TrainingConfig") -> Iterator[str]:
    if config.teacher.count == 1:
        yield (
            "teacher.count is 1, which leaves that teacher no text to learn from; expected 0 or from 2"
        )
    if config.teacher.count and not config.teacher.fit.labels:
        yield "teacher.fit.labels is 0, and teachers learn from labels alone; expected above 0"


def _mistakes_of_heads(config: "TrainingConfig") -> Iterator[str]:
    for source in config.sources:
        if source.head not in config.heads:
            yield (
                f"{source.file} teaches {source.head!r}, which is no head; "
                f"expected one of {', '.join(config.heads)}"
            )
    for name, head in config.heads.items():
        if not any(source.head == name for source in config.sources):
            yield f"heads.{name} is taught by no source; expected one with head = {name!r}"
        if not 0 < head.share <= 1e6:
            yield f"heads.{name}.share is {head.share}; expected a number above 0"
        if len(set(head.labels)) < len(head.labels) or len(head.labels) == 1:
            yield f"heads.{name}.labels is {list(head.labels)}; expected none, or two or more distinct ones"
    if not config.exported:
        yield "no head has labels, so that there is nothing to export; expected heads.NAME.labels"


def _mistakes_of_abstain(config: "TrainingConfig") -> Iterator[str]:
    abstain = config.abstain
    for name in config.exported:
        if name not in abstain.accuracy:
            yield f"abstain.accuracy has no {name}; expected an accuracy from 0 to 1 for each head with labels"
    heads = set(config.exported)
    pairs = heads | {f"{head}/{lang}" for head in heads for lang in ("en", "zh")}
    tables: dict[str, tuple[Mapping[str, Any], set[str]]] = {
        "accuracy": (abstain.accuracy, heads),
        "floor": (abstain.floor, pairs),
        "temperature": (abstain.temperature, pairs),
        "answers_in": (abstain.answers_in, heads),
    }
    for key, (table, names) in tables.items():
        for name in table:
            if name not in names:
                more = ", each alone or with /en or /zh" if names is pairs else ""
                yield (
                    f"abstain.{key} names {name!r}; expected some of {', '.join(config.exported)}{more}"
                )
    for key in ("accuracy", "floor"):
        for name, value in tables[key][0].items():
            if not 0 <= value <= 1:
                yield f"abstain.{key}.{name} is {value}; expected 0 to 1"
