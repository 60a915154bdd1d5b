"""Judge English topics on sentences written for it, and choose temperature and floor on one half of them.

In: an installed model and our sentences (`topics/en.jsonl`), twelve of each of the 17 topics. Out: a
`LanguageCalibration` chosen on one half, `Figures` of the other. Imports contracts, tokenizers, numpy and models, never
models.training.

Each English data set with topics tells a few of the 17 apart, so that a calibration fitted there asks an easier
question than the product does: which of all 17. Here every topic may be true. The half of a sentence is told by a hash
of its text. The rule is that of training: the temperature of the least log loss, here 1 at least, then the lowest floor
at which the answered rows reach the accuracy.

`python -m models.evaluation.written_topics` prints what it chooses for the bundled model, and how that does.
"""

import hashlib
import sys
from collections.abc import Sequence
from importlib import resources
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from models.calibration import HeadCalibrator, fit_temperature, fit_threshold, softmax
from models.engines.ort import OrtEngine
from models.evaluation.figures import accuracy, calibration_error
from models.features.text import clean_text
from models.forwarding import Forwarder
from models.manifest import LanguageCalibration
from models.protocols import FloatArray, TextInput
from models.registry import locate_model, open_model
from models.scoring import FRAME, InstalledModel

HEAD = "topic"
SENTENCES_FILE = "en.jsonl"
ACCURACY = 0.85
LEAST_ANSWERED = 0.0


class Sentence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one sentence and the one topic that it is about."""

    text: str
    label: str

    @property
    def is_for_choosing(self) -> bool:
        """Return whether it belongs to the half on which numbers are chosen; the other half judges them."""
        return hashlib.blake2b(self.text.encode(), digest_size=1).digest()[0] < 128


class Figures(NamedTuple):
    """Hold how the head does on `rows` sentences among all its labels; shares in 0...1, ECE over 15 bins."""

    rows: int
    accuracy: float
    answered: float
    answered_accuracy: float
    ece: float


def read_sentences() -> list[Sentence]:
    """Return our sentences, topic by topic."""
    source = resources.files("models.evaluation").joinpath("topics", SENTENCES_FILE)
    return msgspec.json.Decoder(Sentence).decode_lines(source.read_bytes())


def topic_logits(installed: InstalledModel, sentences: Sequence[Sentence]) -> FloatArray:
    """Return what the model's graph says of the topics of `sentences`, [sentences, topics], before calibration."""
    manifest = installed.manifest
    tokenizer = Tokenizer.from_file(str(installed.folder / manifest.tokenizer))
    limit = manifest.text.token_limit - FRAME
    lines = [clean_text(TextInput(each.text), token_limit=limit).text for each in sentences]
    framed = [
        [manifest.text.begin_id, *each.ids[:limit], manifest.text.end_id]
        for each in tokenizer.encode_batch(lines, add_special_tokens=False)
    ]
    engine = OrtEngine(installed.folder / manifest.network, manifest.labels)
    engine.start()
    forwarder = Forwarder(engine, manifest.labels, pad_id=manifest.text.pad_id)
    logits = forwarder.forward(framed).output.logits[HEAD]
    engine.close()
    return logits


def choose(logits: FloatArray, true: npt.NDArray[np.int64]) -> LanguageCalibration:
    """Return the temperature (1 at least) of the least log loss, and the lowest floor that reaches `ACCURACY`.

    >>> choose(np.array([[2.0, 0.0], [0.5, 0.0]], np.float32), np.array([0, 1])).threshold
    0.8464
    """
    at = np.arange(len(true))
    temperature = fit_temperature(
        lambda t: float(-np.log(softmax(logits / np.float32(t))[at, true] + 1e-9).mean())
    )
    temperature = max(1.0, temperature)
    shares = softmax(logits / np.float32(temperature))
    floor = fit_threshold(
        shares.max(1), shares.argmax(1) == true, accuracy=ACCURACY, least_answered=LEAST_ANSWERED
    )
    return LanguageCalibration(temperature, floor)


def figures_of(
    logits: FloatArray, true: npt.NDArray[np.int64], *, calibration: LanguageCalibration
) -> Figures:
    """Return the figures of English rows under a calibration."""
    calibrator = HeadCalibrator({"en": calibration})
    shares, guessed, abstained = calibrator.calibrate(logits, np.zeros(len(true), np.int64))
    return Figures(
        rows=len(true),
        accuracy=round(accuracy(true, guessed), 4),
        answered=round(float(1 - abstained.mean()), 4),
        answered_accuracy=round(accuracy(true[~abstained], guessed[~abstained]), 4),
        ece=round(calibration_error(guessed == true, shares.max(1)), 4),
    )


def report(installed: InstalledModel) -> str:
    """Return lines that say what is chosen, and how that and what the model carries do on each half."""
    sentences = read_sentences()
    labels = installed.manifest.labels[HEAD]
    logits = topic_logits(installed, sentences)
    true = np.array([labels.index(each.label) for each in sentences])
    chosen_on = np.array([each.is_for_choosing for each in sentences])
    chosen = choose(logits[chosen_on], true[chosen_on])
    carried = installed.manifest.calibration[HEAD]["en"]
    lines = []
    for name, calibration in (("chosen", chosen), ("carried", carried)):
        lines.append(
            f"{name}: temperature {calibration.temperature}, floor {calibration.threshold}"
        )
        for half, at in (("  choosing", chosen_on), ("  judging", ~chosen_on)):
            told = figures_of(logits[at], true[at], calibration=calibration)
            lines.append(f"{half}: " + ", ".join(f"{k} {v}" for k, v in told._asdict().items()))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(report(open_model(locate_model("bundled"))))
