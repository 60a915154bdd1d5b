"""Say what belongs to one model: files with hashes, labels, calibration, provenance.

In: `manifest.json` in a model's folder. Out: a frozen `Manifest`, and the digest that names the model.
Imports msgspec and the standard library.
"""

import hashlib
from typing import Literal

import msgspec

MANIFEST_FILE = "manifest.json"
FORMAT = 1
# Raised whenever models/features changes what a text turns into: weights are trained for one way of reading.
FEATURES_VERSION = 1


class TextSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold how a text is read: pieces at most, lower case or not, the padding piece, and padded pieces a batch."""

    token_limit: int
    lowercase: bool
    pad_id: int
    token_budget: int = 8192


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


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold how one head does on one development source; baselines are TF-IDF with logistic regression on the same rows.

    `accuracy` and `macro_f1` choose among the labels that the source knows; `open_accuracy` among all. `answered` is
    the share that does not abstain and `answered_accuracy` its accuracy; `calibration_error` is over all labels.
    """

    head: str
    source: str
    lang: str
    rows: int
    accuracy: float
    macro_f1: float
    baseline_accuracy: float
    baseline_macro_f1: float
    open_accuracy: float
    answered: float
    answered_accuracy: float
    calibration_error: float


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold everything about one text model but its weights. `calibration` is by head, then language."""

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
    sources: tuple[TrainingSource, ...]
    figures: tuple[Figure, ...]
    likeness: dict[str, float] = {}


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
