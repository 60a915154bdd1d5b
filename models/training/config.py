"""Read a training run's settings from a committed TOML file.

In: the path of a TOML file. Out: one frozen `TrainingConfig`, whose numbers are in range and whose names exist
(models.training.checking). Imports contracts, msgspec and the standard library.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from contracts.errors import RecordMisfit, SettingsInvalid
from contracts.moments import parse_moment
from models.training.checking import mistakes_of

EITHER = "|"  # between labels of which any one may be true

# Ranges are checked wherever a config is read, a variant's and a begun run's too; not-a-number is in none of them.
Count = Annotated[int, msgspec.Meta(ge=1)]
Natural = Annotated[int, msgspec.Meta(ge=0)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**32)]
# A text's frame takes two pieces.
Pieces = Annotated[int, msgspec.Meta(ge=3)]
# The corpus holds pieces as uint16, four of them special.
VocabularySize = Annotated[int, msgspec.Meta(ge=1, le=2**16 - 4)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
PartialShare = Annotated[float, msgspec.Meta(ge=0, lt=1)]
InnerShare = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Weight = Annotated[float, msgspec.Meta(ge=0, le=1e6)]
PositiveWeight = Annotated[float, msgspec.Meta(gt=0, le=1e6)]
Language = Literal["en", "zh"]


class VocabularyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the size of the cut vocabulary, and the most pieces of a text (its frame included) and of its context."""

    pieces: VocabularySize
    token_limit: Pieces
    context_limit: Pieces


class BaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold where the base encoder lies (an installed package's file, its sha256) and the prefix its vectors want."""

    package: str
    file: str
    sha256: str
    prefix: str


class FitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one stage of training.

    `samples` texts are seen in steps of about `tokens_per_step` padded pieces. Rates rise over the first `warmup` of
    them and fall in a line to a hundredth. Lower layers learn slower by `layer_decay` each. `labels`, `likeness` and
    `soft_labels` weigh the terms of the rows' labels, the teachers' vectors and their answers (0: none);
    `unlabelled_share` of the texts carry no label. `class_power`: a label weighs its share to the power of minus this
    in the loss; `resampling`: the same, in how often its rows are drawn. `piece_dropout` is the chance that a piece is
    replaced by the unknown one, in `augmented` of the texts. `consistency` weighs the divergence of two passes with
    different dropout (R-Drop, Wu et al. 2021). `average` is the decay of the moving average of weights that is kept.
    `heads` are those that are drawn, all where empty. The average is measured `checks` times on development rows (0:
    never); the best one is kept, and the stage ends when `patience` of them in a row were no better (0: it never does).
    """

    layers: Count
    samples: Count
    tokens_per_step: Count
    rate: Share
    head_rate: Share = 1e-3
    layer_decay: Share = 1.0
    warmup: InnerShare = 0.05
    weight_decay: Weight = 0.01
    dropout: PartialShare = 0.1
    labels: Weight = 1.0
    likeness: Weight = 0.0
    soft_labels: Weight = 0.0
    temperature: PositiveWeight = 1.0
    unlabelled_share: PartialShare = 0.0
    class_power: Weight = 0.5
    resampling: Weight = 0.0
    piece_dropout: Share = 0.15
    augmented: Share = 0.5
    consistency: Weight = 0.0
    average: Share = 0.999
    heads: tuple[str, ...] = ()
    checks: Natural = 0
    patience: Natural = 0


class TeacherConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold how many teachers are fitted, each from another seed, and how."""

    count: Natural
    fit: FitConfig


class StudentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the student's two stages: the labels alone, then everything."""

    first: FitConfig
    fit: FitConfig


class SecondConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold second teachers of likeness, an encoder of each language alone; either may be left out.

    `package` is an installed Python package that holds a sentence encoder of English in its folder `model`, `artifact`
    a Maven coordinate (group:artifact:version) of a jar with one of Chinese as ONNX; each with the sha256 of its
    weights or of the jar. They read at most `texts` texts of their language; their vectors are cut to `width` axes.
    """

    package: str = ""
    package_sha256: str = ""
    artifact: str = ""
    artifact_sha256: str = ""
    texts: Count = 48_000
    width: Count = 96


class AbstainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the accuracy that each head's answers should reach, and the least share of rows that it answers.

    `floor` is a probability below which a head abstains whatever its development rows say, `temperature` one that is
    taken in place of the fitted one: for heads whose rows are of fewer kinds than what the product reads. Their keys
    are a head, or a head and a language such as `topic/en`, which goes first. `answers_in` limits a head to some
    languages, where rows of the others serve to train but not to trust it.
    """

    accuracy: dict[str, float]
    least_answered: Share
    floor: dict[str, float] = {}
    temperature: dict[str, PositiveWeight] = {}
    answers_in: dict[str, tuple[Language, ...]] = {}

    def floor_of(self, head: str, lang: str) -> float:
        """Return the probability below which `head` abstains in `lang` in any case; 0 where none is set."""
        return self.floor.get(f"{head}/{lang}", self.floor.get(head, 0.0))

    def temperature_of(self, head: str, lang: str) -> float | None:
        """Return the temperature that is set for `head` in `lang`; None where it is to be fitted."""
        return self.temperature.get(f"{head}/{lang}", self.temperature.get(head))


class HeadConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one head: its part of the labelled texts and its labels.

    Without labels it only helps the encoder to learn, is not exported, and takes `SET/LABEL` of each of its files.
    """

    share: float
    labels: tuple[str, ...] = ()


class SourceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one labelled file: which head it teaches and what its labels are called in ours.

    Rows whose label is not in the map are left out; `A|B` means that either may be true. `labels_of` takes the map of
    another file. `only` keeps the rows with these values. `dev_share` of the rows (chosen by a hash of the text) or
    `dev_dialogues` of the dialogues become development rows; or those from the moment `dev_from` on, told by the field
    `time`: a model is asked about tomorrow, and a split by time asks it that. `dialogue` names the field by which turns
    belong together: the turns before one are its context. `tells` says which labels its annotators could have given:
    those in the map, or all of the head's. `weight` is how often a row is drawn.
    """

    file: str
    head: str
    lang: Language
    licence: str
    role: Literal["train", "dev"] = "train"
    field: str = "label"
    text: str = "text"
    labels: dict[str, str] = {}
    labels_of: str = ""
    only: dict[str, str] = {}
    dialogue: str = ""
    tells: Literal["mapped", "all"] = "mapped"
    weight: PositiveWeight = 1.0
    dev_share: Share = 0.0
    dev_dialogues: Share = 0.0
    dev_from: str = ""
    time: str = "time"


class TextsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one file of which only texts are read; `field` may hold a text or a list of them."""

    file: str
    lang: Language
    licence: str
    field: str = "text"


class TrainingConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a whole training run; equal config, data, seed and machine give an equal model.

    `rows` keeps that many rows and unlabelled texts for training, drawn as often as training would draw them: to try a
    recipe out (0: all of them). Development rows are kept in any case.
    """

    name: str
    seed: Seed
    vocabulary: VocabularyConfig
    base: BaseConfig
    teacher: TeacherConfig
    student: StudentConfig
    abstain: AbstainConfig
    heads: dict[str, HeadConfig]
    sources: tuple[SourceConfig, ...]
    texts: tuple[TextsConfig, ...] = ()
    second: SecondConfig | None = None
    rows: Natural = 0

    @property
    def exported(self) -> dict[str, tuple[str, ...]]:
        """Return the labels of each head that the product answers."""
        return {name: head.labels for name, head in self.heads.items() if head.labels}

    def label_map(self, source: SourceConfig) -> dict[str, tuple[str, ...]]:
        """Return the map from `source`'s labels to ours, of which any one may be true.

        Raises `SettingsInvalid` when `labels_of` names no such file.
        """
        labels = source.labels
        if source.labels_of:
            labels = self._labels_of(source)
        return {theirs: tuple(ours.split(EITHER)) for theirs, ours in labels.items()}

    def _labels_of(self, source: SourceConfig) -> dict[str, str]:
        for other in self.sources:
            if other.file == source.labels_of and other.head == source.head and other.labels:
                return other.labels
        raise SettingsInvalid(
            f"labels_of of {source.file} names {source.labels_of!r}, which has no labels for {source.head}"
        )


def read_config(path: Path, changes: Mapping[str, str] | None = None) -> TrainingConfig:
    """Read and check a config; `changes` sets keys such as `student.fit.samples` to TOML values.

    Raises `SettingsInvalid` that names the file, the key, its value and what was expected.
    """
    content: dict[str, Any] = {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        for key, value in (changes or {}).items():
            _change(content, key, value=value)
        config = msgspec.convert(content, TrainingConfig)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"training config {path}: {_told(error, content)}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsInvalid(f"training config {path}: {error}") from error
    if mistakes := list(mistakes_of(config)):
        raise SettingsInvalid(f"training config {path}: {'; '.join(mistakes)}")
    for source in config.sources:
        _check_source(config, source, path=path)
    return config


def _told(error: msgspec.ValidationError, content: dict[str, Any]) -> str:
    """Return what was wrong, with the key and its value in front where the key holds one.

    >>> _told(
    ...     msgspec.ValidationError("Expected `int` >= 0 - at `$.teacher.count`"),
    ...     {"teacher": {"count": -1}},
    ... )
    'teacher.count is -1: Expected `int` >= 0'
    """
    found = re.fullmatch(r"(.*) - at `\$\.(.*)`", str(error))
    value: Any = content
    for name in re.findall(r"[^.\[\]]+", found[2]) if found else ():
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, ValueError, TypeError):
            return str(error)
    if found is None or isinstance(value, dict | list):
        return str(error)
    return f"{found[2]} is {value!r}: {found[1]}"


def _change(content: dict[str, Any], key: str, *, value: str) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
        if not isinstance(content, dict):
            raise SettingsInvalid(f"{key!r} is no key of a training config: {parent!r} is a value")
    content[last] = tomllib.loads(f"value = {value}")["value"]


def _check_source(config: TrainingConfig, source: SourceConfig, *, path: Path) -> None:
    if source.dev_from:
        try:
            parse_moment(source.dev_from)
        except RecordMisfit as error:
            raise SettingsInvalid(
                f"training config {path}: dev_from of {source.file}: {error}"
            ) from error
    labels = config.heads[source.head].labels
    named = {label for ours in config.label_map(source).values() for label in ours}
    if labels and (not named or named - set(labels)):
        raise SettingsInvalid(
            f"training config {path}: {source.file} maps to labels unknown to {source.head}: "
            f"{sorted(named - set(labels)) or 'none at all'}"
        )
