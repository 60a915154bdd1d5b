"""Answer one question beside the encoder's own heads with a sequence classifier of the hub.

In: a name and a `HubModel` of the settings. Out: a `TextHead`. Reads the model's config when built and its weights when
started; imports no torch: models.engines.hub does.
"""

from functools import cached_property

import structlog

from contracts.errors import ModelInvalid
from contracts.scores import HeadScore
from models.hub.answering import answers, version_of
from models.hub.labels import LabelMap, check_poles, label_map
from models.hub.reading import HubReader
from models.hub.source import HubSource
from models.protocols import HeadInputs

log = structlog.get_logger()


class HubHead:
    """Score texts with one classifier of the hub; its answers do not depend on the encoder it stands beside."""

    def __init__(
        self, name: str, source: HubSource, *, labels: LabelMap, batch_tokens: int | None = None
    ) -> None:
        self._name = name
        self._source = source
        self._map = labels
        self._reader = HubReader(source, wants_vectors=False, batch_tokens=batch_tokens)

    @property
    def name(self) -> str:
        """Return the name that the settings give it."""
        return self._name

    @property
    def labels(self) -> tuple[str, ...]:
        """Return our labels, not the model's own."""
        return self._map.ours

    @cached_property
    def version(self) -> str:
        """Return the digest of config, tokenizer, weights, label map, temperature, threshold and languages."""
        return version_of(self._source)

    def start(self) -> None:
        """Load the model; warn of labels that say nothing."""
        warn_generic(self._name, self._map)
        self._reader.start()

    def score_batch(self, batch: HeadInputs) -> list[HeadScore]:
        """Return one answer a text, in order."""
        if not batch.inputs:
            return []
        reading = self._reader.read(batch.inputs)
        return answers(reading, batch.langs, labels=self._map, model=self._source.model)

    def close(self) -> None:
        """Free the model."""
        self._reader.close()


def build_hub_head(name: str, source: HubSource, *, batch_tokens: int | None = None) -> HubHead:
    """Return the head `name`, not started.

    Raises `ModelInvalid` where the model is no sequence classifier or its labels and the settings' map do not fit.
    """
    folder = source.described()
    if not folder.is_classifier:
        raise ModelInvalid(
            f"{folder.name} is a {', '.join(folder.config.architectures or ('model',))}, no sequence classifier: it can"
            f" be the encoder (score.model = hub:{name}), not a head"
        )
    labels = label_map(folder, source.model)
    check_poles(name, labels.ours)
    return HubHead(name, source, labels=labels, batch_tokens=batch_tokens)


def warn_generic(head: str, labels: LabelMap) -> None:
    """Log that labels are named `label_0` and the like, which nobody can read in a mention."""
    if labels.generic:
        log.warning("hub_labels_generic", head=head, labels=labels.generic, remedy="map them")
