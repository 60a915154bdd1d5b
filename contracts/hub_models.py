"""Say in settings how a classifier or encoder of the `transformers` hub is used.

In: a table `[models.hub.NAME]` of the settings file, or one JSON object in the environment. Out: a frozen `HubModel`
for each name, or a ValueError whose words name the key. Imports pydantic and contracts.mistakes alone.

    [models.hub.toxicity]
    model = "unitary/toxic-bert"
    labels = { toxic = "offensive", severe_toxic = "offensive", threat = "threat" }
"""

import json
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import NoDecode

from contracts.mistakes import near

HEAD_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NO_LABEL = "none"


class HubModel(BaseModel):
    """Hold how one hub model is used.

    `model` is a folder or `owner/name`; `revision` a branch, tag or commit of a name. `labels` maps theirs to ours:
    several of theirs may be one of ours; those that it leaves out are dropped, or refused where `strict`. Empty takes
    all under their own names. `problem` overrules the model's own word for what its outputs mean. `rest` names what
    holds when no label of a multi-label model does. At most `token_limit` pieces of a text are read; the head abstains
    below `threshold` and in other languages than `languages`. `prefix` stands before every text, as some encoders want.
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
    return f"{key}: {words}" if key else words


HubModels = Annotated[dict[str, HubModel], NoDecode, BeforeValidator(_read)]


def written_hub(models: dict[str, HubModel]) -> str:
    """Return the models as the environment takes them: one JSON object, only what differs from the defaults."""
    tables = {
        name: model.model_dump(exclude_defaults=True, mode="json") for name, model in models.items()
    }
    return json.dumps(tables, ensure_ascii=False, separators=(",", ":"))
