"""Say in settings how a classifier or encoder of the `transformers` hub is used.

In: a table `[models.hub.NAME]` of the settings file, or one JSON object in the environment. Out: a frozen `HubModel`
for each name, or a ValueError whose words name the key. Imports pydantic and contracts.mistakes alone.

    [models.hub.toxicity]
    model = "unitary/toxic-bert"
    labels = { toxic = "offensive", severe_toxic = "offensive", threat = "threat" }
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_settings import NoDecode

from contracts.mistakes import near

HEAD_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
# What a query asks of an event itself, so that no head can be asked by such a name.
QUERY_FIELDS = frozenset({"lang", "source", "kind", "author", "is", "has"})
NO_LABEL = "none"
LABEL_CHARACTERS = 100
LABEL_RULE = f"1 to {LABEL_CHARACTERS} printable characters"


def is_label(label: str) -> bool:
    r"""Say whether a terminal, a mention and a query can bear `label`, of a user's head as of a hub model.

    >>> is_label("card lost"), is_label("x\x1b[31m"), is_label(" ")
    (True, False, False)
    """
    return bool(label.strip()) and len(label) <= LABEL_CHARACTERS and label.isprintable()


def twins_among(labels: Iterable[str]) -> tuple[str, str] | None:
    """Return two labels that a query cannot tell apart, or None.

    >>> twins_among(["Anger", "joy", "anger"])
    ('Anger', 'anger')
    """
    seen: dict[str, str] = {}
    for label in labels:
        folded = unicodedata.normalize("NFKC", label).casefold()
        twin = seen.setdefault(folded, label)
        if twin != label:
            return twin, label
    return None


class HubModel(BaseModel):
    """Hold how one hub model is used.

    `model` is a folder or `owner/name`; `revision` a branch, tag or commit of a name. `labels` maps theirs to ours:
    several of theirs may be one of ours; those that it leaves out are dropped, or refused where `strict`. Empty takes
    all under their own names; ours are words as `is_label` wants them. `problem` overrules the model's own word for
    what its outputs mean. `rest` names what holds when no label of a multi-label model does. At most `token_limit`
    pieces of a text are read; the head abstains below `threshold` and in other languages than `languages`. `prefix`
    stands before every text, as some encoders want.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
    )

    model: str = Field(min_length=1)
    revision: str | None = Field(None, min_length=1)
    labels: dict[str, str] = {}
    strict: bool = False
    problem: Literal["single_label", "multi_label"] | None = None
    rest: str = Field(NO_LABEL, min_length=1)
    temperature: float = Field(1.0, gt=0)
    threshold: float = Field(0.0, ge=0, le=1)
    languages: tuple[Literal["en", "zh", "other"], ...] = Field(("en", "zh"), min_length=1)
    token_limit: int = Field(512, ge=8, le=8192)
    normalize: bool = True
    prefix: str = Field("", max_length=200)

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, labels: dict[str, str]) -> dict[str, str]:
        labels = {theirs: " ".join(ours.split()) for theirs, ours in labels.items()}
        for theirs, ours in labels.items():
            _check_label(ours, f"{theirs!r} is mapped to")
        if twins := twins_among(labels.values()):
            raise ValueError(
                f"{twins[0]!r} and {twins[1]!r} are one label to a query, which knows no capitals: write them alike"
            )
        return labels

    @field_validator("rest")
    @classmethod
    def _is_label(cls, rest: str) -> str:
        _check_label(rest, "the label is")
        return rest


def _check_label(label: str, what: str) -> None:
    if not is_label(label):
        raise ValueError(f"{what} {label[:LABEL_CHARACTERS]!r}, expected {LABEL_RULE}")


def _read(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise ValueError(
                "expected one JSON object by name; a table [models.hub.NAME] in the settings file"
                " is easier to write"
            ) from error
    if not isinstance(value, dict):
        raise ValueError("expected a table [models.hub.NAME] for each model, its `model` in it")
    return {name: _one(str(name), table) for name, table in value.items()}


def _one(name: str, table: Any) -> HubModel:
    if not HEAD_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot name a head: expected a small letter, then up to 63 small letters, digits, - or _"
        )
    if name in QUERY_FIELDS:
        raise ValueError(
            f"[models.hub.{name}] {name!r} is a field of queries: choose another name, such as my-{name}"
        )
    if isinstance(table, HubModel):
        return table
    try:
        return HubModel.model_validate(table)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        words = "; ".join(
            _problem(problem["loc"], kind=problem["type"], words=problem["msg"])
            for problem in problems
        )
        raise ValueError(f"[models.hub.{name}] {words}") from error


def _problem(place: tuple[int | str, ...], *, kind: str, words: str) -> str:
    key = ".".join(map(str, place))
    if kind == "extra_forbidden":
        return f"{key} is no key of a hub model{near(key, HubModel.model_fields)}"
    told = words.removeprefix("Value error, ")
    return f"{key}: {told}" if key else told


HubModels = Annotated[dict[str, HubModel], NoDecode, BeforeValidator(_read)]


def written_hub(models: dict[str, HubModel]) -> str:
    """Return the models as the environment takes them: one JSON object, only what differs from the defaults."""
    tables = {
        name: model.model_dump(exclude_defaults=True, mode="json") for name, model in models.items()
    }
    return json.dumps(tables, ensure_ascii=False, separators=(",", ":"))
