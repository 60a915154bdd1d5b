"""Read a training run's settings from a committed TOML file.

In: the path of a TOML file. Out: one frozen `TrainingConfig`. Imports contracts, msgspec and the standard library.
"""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from contracts.errors import SettingsInvalid


class VocabularyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the size of the cut vocabulary and what the tokenizer reads of a text."""

    pieces: int
    token_limit: int
    lowercase: bool


class TeacherConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold where the base encoder lies (an installed package's file, its sha256) and how it is used."""

    package: str
    file: str
    sha256: str
    prefix: str
    texts: int
    token_limit: int
    batch_tokens: int


class NetworkConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the widths of the piece table's two parts and of the heads' hidden layer."""

    vector_width: int
    head_width: int
    hidden_width: int
    dropout: float


class LikenessConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the schedule of the first stage: texts that mean alike get vectors that lie alike."""

    epochs: int
    batch_rows: int
    rate: float


class HeadsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the schedule of the second stage; `shares` is each head's part of the steps."""

    steps: int
    batch_rows: int
    rate: float
    decay: float
    shares: dict[str, float]


class AbstainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the accuracy that each head's answers should reach, and the least share of rows that it answers.

    `floor` is a probability below which a head abstains whatever its development rows say: for heads whose rows are
    of fewer kinds than what the product reads. `answers_in` limits a head to some languages, where rows of the others
    serve to train but not to trust it.
    """

    accuracy: dict[str, float]
    least_answered: float
    floor: dict[str, float] = {}
    answers_in: dict[str, tuple[str, ...]] = {}


class SourceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one labelled file: which head it teaches and what its labels are called in ours.

    Rows whose label is not in the map are left out. `labels_of` takes the map of another file. `dev_share` of the rows
    (chosen by a hash of the text) become development rows. `tells` says which labels its annotators could have given:
    those in the map, or all of the head's (a set of one label tells that a text is none of the others).
    """

    file: str
    head: str
    lang: str
    licence: str
    role: Literal["train", "dev"] = "train"
    field: str = "label"
    labels: dict[str, str] = {}
    labels_of: str = ""
    tells: Literal["mapped", "all"] = "mapped"
    weight: float = 1.0
    dev_share: float = 0.0


class LikenessTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one file whose texts alone are read, and its share of the teacher's texts."""

    file: str
    lang: str
    licence: str
    share: float


class TrainingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a whole training run; equal config, data and seed give an equal model on one machine."""

    name: str
    seed: int
    vocabulary: VocabularyConfig
    teacher: TeacherConfig
    network: NetworkConfig
    likeness: LikenessConfig
    heads: HeadsConfig
    abstain: AbstainConfig
    labels: dict[str, tuple[str, ...]]
    sources: tuple[SourceConfig, ...]
    likeness_texts: tuple[LikenessTexts, ...]

    def label_map(self, source: SourceConfig) -> dict[str, str]:
        """Return the map from `source`'s labels to ours.

        Raises `SettingsInvalid` when `labels_of` names no such file.
        """
        if not source.labels_of:
            return source.labels
        for other in self.sources:
            if other.file == source.labels_of and other.head == source.head and other.labels:
                return other.labels
        raise SettingsInvalid(
            f"labels_of of {source.file} names {source.labels_of!r}, which has no labels for {source.head}"
        )


def read_config(path: Path) -> TrainingConfig:
    """Read and check a config. Raises `SettingsInvalid` that names the file and the key."""
    try:
        config = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), TrainingConfig)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsInvalid(f"training config {path}: {error}") from error
    for source in config.sources:
        unknown = set(config.label_map(source).values()) - set(config.labels.get(source.head, ()))
        if unknown:
            raise SettingsInvalid(
                f"training config {path}: {source.file} maps to labels unknown to {source.head}: {unknown}"
            )
    return config
