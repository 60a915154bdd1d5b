"""What every part of the settings is made of.

In: nothing. Out: a frozen model that knows its keys, a field with its meaning, and the shapes that values share.
Imports pydantic and pydantic-settings alone.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

KAFKA_NAME = r"^[A-Za-z0-9._-]+$"


def expanded(path: Path) -> Path:
    """Return a path with `~` as the user's home."""
    try:
        return path.expanduser()
    except RuntimeError:
        # A container's user may have no home; the path then fails where it is used, if it is.
        return path


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(word.strip() for word in value.split(",") if word.strip())


UserPath = Annotated[Path, AfterValidator(expanded)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Lane = Literal["text", "media"]
Lanes = Annotated[tuple[Lane, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)]


def setting(default: Any, meaning: str, **limits: Any) -> Any:
    """Return a field with its default, its meaning for the reference, and pydantic's limits."""
    return Field(default=default, description=meaning, **limits)


class Part(BaseModel):
    """Refuse unknown keys, NaN, infinity and every change after loading; never print an input."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
    )
