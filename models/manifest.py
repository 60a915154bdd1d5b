"""Say what belongs to one model: files with hashes, labels, calibration, provenance.

In: `manifest.json` in a model's folder. Out: a frozen `Manifest`, and the digest that names the model.
Imports msgspec and the standard library.
"""

import hashlib
from typing import Literal

import msgspec

MANIFEST_FILE = "manifest.json"
FORMAT = 2
# Raised whenever models/features changes what a text turns into: weights are trained for one way of reading.
FEATURES_VERSION = 2


class TextSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold how a text is read: as  begin, text, end [, end, context, end], then padding.

    `token_limit` and `context_limit` are the most pieces of a text and of its context with their frame.
    """

    token_limit: int
    context_limit: int
    pad_id: int
    begin_id: int
    end_id: int


class LanguageCalibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one head's temperature in one language, and the probability below which it abstains."""

    temperature: float
    threshold: float


class TrainingSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one file that the weights were trained or judged on, with its licence as its publisher states it.

    `labels` maps its labels to ours; rows with another label were left out. Empty where only texts were read.
    """

    file: str
    head: str
    lang: str
    role: Literal["train", "dev"]
    licence: str
    labels: dict[str, str] = {}


class RarestClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold how a source's class with the fewest rows fares; `A+B` is the class of rows for which either may be true."""

    name: str
    rows: int
    f1: float


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold how one head does on one development source; baselines are TF-IDF with logistic regression on the same rows.

    All choose among the labels that the source knows. `calibration_error` is over 15 bins of equal mass. What ends in
    `_at_80` counts the 80 % of rows with the largest probability. `answered` is the share that does not abstain and
    `answered_accuracy` its accuracy. An older manifest tells no rarest class.
    """

    head: str
    source: str
    lang: str
    rows: int
    accuracy: float
    macro_f1: float
    macro_recall: float
    baseline_accuracy: float
    baseline_macro_f1: float
    baseline_macro_recall: float
    calibration_error: float
    macro_f1_at_80: float
    answered: float
    answered_accuracy: float
    rarest: RarestClass | None = None


class Pool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one head's figures over all development rows of a language, each among the labels that its source knows."""

    head: str
    lang: str
    rows: int
    accuracy: float
    accuracy_at_80: float
    calibration_error: float


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold everything about one text model but its weights. `calibration` is by head, then language.

    `pieces` names the file of what each piece says alone (float16 [pieces, emotions]; empty without emotions),
    `likeness` is the mean cosine of vectors to those of the base encoder over development rows, by language;
    `agreement` how far int8 agrees with float32, by head; `untaught` names the labels that no training row has, by
    head, then language. What an older manifest does not tell is empty or 0.
    """

    format: int
    name: str
    features_version: int
    network: str
    tokenizer: str
    files: dict[str, str]
    labels: dict[str, tuple[str, ...]]
    languages: tuple[str, ...]
    vector_width: int
    text: TextSettings
    calibration: dict[str, dict[str, LanguageCalibration]]
    base: str
    pieces: str
    sources: tuple[TrainingSource, ...]
    figures: tuple[Figure, ...]
    likeness: dict[str, float] = {}
    agreement: dict[str, float] = {}
    pools: tuple[Pool, ...] = ()
    layers: int = 0
    attention_heads: int = 0
    untaught: dict[str, dict[str, tuple[str, ...]]] = {}


def model_digest(manifest: Manifest, *, readers: str) -> str:
    """Return 16 hex digits of SHA-256 over all that decides a score; provenance and figures do not.

    `readers` names outside code that takes part in the decision (the language detector's version).
    """
    deciding = (
        manifest.format,
        manifest.features_version,
        sorted(manifest.files.items()),
        sorted(manifest.labels.items()),
        manifest.languages,
        manifest.vector_width,
        manifest.text,
        sorted((head, sorted(by_lang.items())) for head, by_lang in manifest.calibration.items()),
        readers,
    )
    return hashlib.sha256(msgspec.json.encode(deciding)).hexdigest()[:16]
