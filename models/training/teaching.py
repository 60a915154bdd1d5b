"""Gather what the teachers say of every text.

In: a run's folder with vectors and the teachers' answers. Out: a `Teaching`. Imports numpy; torch only through the
encoder.

A teacher has learnt the labels of all texts but its own part's, and would only repeat them. So of a head for which a
text has a label, the one teacher speaks that did not learn from it; of the other heads all speak, and their mean
counts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from contracts.errors import InvalidInput
from models.protocols import FloatArray
from models.training.config import TrainingConfig
from models.training.corpus import Columns, Corpus, load_corpus
from models.training.whole_files import read_whole

if TYPE_CHECKING:
    from models.networks.encoder import Encoder
    from models.training.fitting import Teaching


def log_probabilities(model: "Encoder", corpus: Corpus, *, spans: Sequence[slice]) -> FloatArray:
    """Return log probabilities [rows, columns up to the last of `spans`], each head's among its own columns."""
    from models.training.encoding import encode_rows

    logits = encode_rows(model, corpus, rows=np.arange(len(corpus)), parts=("logits",))["logits"]
    answers = np.zeros((len(corpus), max(span.stop for span in spans)), np.float32)
    for span in spans:
        part = logits[:, span] - logits[:, span].max(1, keepdims=True)
        answers[:, span] = part - np.log(np.exp(part).sum(1, keepdims=True))
    return answers


def teaching_of(folder: Path, config: TrainingConfig, *, teachers: Sequence[str]) -> "Teaching":
    """Return what the named teachers and the vectors say.

    Raises `InvalidInput` when a stage before is not done or what it left is damaged.
    """
    from models.training.fitting import Teaching

    vectors, second = _finished(folder / "vectors.npy"), folder / "second.npy"
    soft = None
    if teachers:
        corpus, columns = load_corpus(folder / "corpus.npz")
        answers = [_finished(folder / name / "soft.npy") for name in teachers]
        soft = soft_labels(answers, corpus, columns=columns, config=config)
    return Teaching(vectors, _finished(second) if second.exists() else None, soft)


def soft_labels(
    answers: Sequence[npt.NDArray[np.float16]],
    corpus: Corpus,
    *,
    columns: Columns,
    config: TrainingConfig,
) -> npt.NDArray[np.float16]:
    """Return the log of the teachers' probabilities [rows, columns], joined as the module says."""
    probabilities = np.stack([np.exp(answer.astype(np.float32)) for answer in answers])
    joined = probabilities.mean(axis=0)
    part = fold_of(corpus, folds=len(answers))
    rows = np.arange(len(corpus))
    for at, head in enumerate(config.heads):
        if head in config.exported:
            learnt = np.zeros(len(corpus.starts), np.bool_)
            learnt[corpus.text[(corpus.head == at) & ~corpus.is_dev]] = True
            mine, span = rows[learnt[corpus.text]], columns.span(head)
            joined[mine, span] = probabilities[part[mine], mine, span]
    return np.log(joined + 1e-6).astype(np.float16)


def fold_of(corpus: Corpus, *, folds: int) -> npt.NDArray[np.int64]:
    """Return each row's part [rows] of the texts, the same for every row of a text."""
    parts = np.random.default_rng(folds).integers(0, folds, len(corpus.starts))
    mine: npt.NDArray[np.int64] = parts[corpus.text]
    return mine


def _finished(path: Path) -> Any:
    if not path.exists():
        raise InvalidInput(f"{path} is missing: run the stage that writes it first")
    return read_whole(path, np.load)
