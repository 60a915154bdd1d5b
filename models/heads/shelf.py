"""Find the further heads that a scorer serves: those of the user's own, and those of the hub.

In: names, as the setting `score.heads` has them, and the encoder that they stand beside. Out: `TextHead`s, not started.
Reads manifests; imports models.hub, never the registry.
"""

from collections.abc import Sequence
from pathlib import Path

from contracts.errors import ModelInvalid
from models.heads.head import open_own_head
from models.heads.storage import heads_home, known_names, read_head
from models.hub.shelf import HubShelf
from models.protocols import TextHead, TextScorer


def further_heads(
    wanted: Sequence[str | TextHead], encoder: TextScorer, *, home: Path | None, hub: HubShelf
) -> tuple[TextHead, ...]:
    """Return the heads `wanted`, in order: one that is built, a table `[models.hub.NAME]`, else a head under `home`.

    Raises `ModelInvalid` for a name that is neither, or both, or twice there, or a head of `encoder` itself, and for a
    head that was fitted on another encoder.
    """
    heads: list[TextHead] = []
    for item in wanted:
        name = item if isinstance(item, str) else item.name
        if name in encoder.labels or name in {head.name for head in heads}:
            raise ModelInvalid(
                f"score.heads names {name!r}, which {encoder.model_name} has itself or which stands there twice"
            )
        if not isinstance(item, str):
            heads.append(item)
        elif name in hub.names:
            _check_alone(name, home=home)
            heads.append(hub.head(name))
        else:
            heads.append(_own(name, encoder, home=home))
    return tuple(heads)


def _check_alone(name: str, *, home: Path | None) -> None:
    if home is not None and name in known_names(home):
        raise ModelInvalid(
            f"two heads are named {name!r}: the table [models.hub.{name}] of the settings, and your own in"
            f" {heads_home(home) / name}; give one of them another name"
        )


def _own(name: str, encoder: TextScorer, *, home: Path | None) -> TextHead:
    if home is None:
        raise ModelInvalid(f"head {name!r} is kept under models.home, which was not given")
    if not encoder.vector_width:
        raise ModelInvalid(
            f"head {name!r} reads vectors of an encoder, and {encoder.model_name} has none: set score.model"
        )
    stored = read_head(home, name)
    return open_own_head(stored, model_name=encoder.model_name, model_version=encoder.model_version)
