"""Know the hub models of the settings by name, and build what a name asks for.

In: the settings' part `models`. Out: heads and scorers that are not started. Reads configs; imports no torch.

    [models.hub.toxicity]            score.heads = "toxicity"          a head beside the encoder
    model = "unitary/toxic-bert"     score.model = "hub:toxicity"      the whole scorer, its head named toxicity
                                     score.model = "hub:owner/name"    the same without a table, its labels as they are
"""

from collections.abc import Collection, Sequence

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from contracts.settings import ModelSettings
from models.hub.head import HubHead, build_hub_head
from models.hub.scorer import HubScorer, build_hub_scorer
from models.hub.source import HubSource
from models.protocols import TextHead

PREFIX = "hub:"


class HubShelf:
    """Build the hub models that the settings name."""

    def __init__(self, settings: ModelSettings, *, batch_tokens: int | None = None) -> None:
        self._settings = settings
        self._batch_tokens = batch_tokens

    @property
    def settings(self) -> ModelSettings:
        """Return the settings of all models."""
        return self._settings

    @property
    def names(self) -> Collection[str]:
        """Return the names of the tables `[models.hub.NAME]`."""
        return self._settings.hub.keys()

    def head(self, name: str) -> HubHead:
        """Return the head of table `name`, one of `names`. Raises `ModelInvalid` where it cannot be one."""
        source = self._source(self._settings.hub[name])
        return build_hub_head(name, source, batch_tokens=self._batch_tokens)

    def scorer(self, model: str, *, further: Sequence[TextHead] = ()) -> HubScorer:
        """Return the scorer that `hub:` and a table's name, a folder or a hub name stand for.

        A table's name also names the head. Raises `ModelInvalid` where there is no such model.
        """
        wanted = model.removeprefix(PREFIX)
        if not wanted:
            raise ModelInvalid("hub: names no model; expected hub:NAME, such as hub:owner/name")
        table = self._settings.hub.get(wanted)
        return build_hub_scorer(
            self._source(table or HubModel(model=wanted)),
            head=wanted if table else None,
            further=further,
            batch_tokens=self._batch_tokens,
        )

    def _source(self, model: HubModel) -> HubSource:
        return HubSource(model, home=self._settings.home, download=self._settings.download)
