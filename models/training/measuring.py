"""Measure an encoder on the development rows of a corpus.

In: an encoder, a corpus, its columns. Out: figures by head and source, as a file and as a table too. Imports numpy;
torch only through the encoder.

A source's rows are told apart as its annotators did: each set of labels of which any may be true is one class, whose
score is the probability of the whole set. Where sets overlap (rows with several labels), rows with one label are
judged, among single labels.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from models.evaluation.figures import accuracy, macro_f1, macro_recall
from models.protocols import FloatArray
from models.training.corpus import Columns, Corpus
from models.training.whole_files import read_whole, write_whole

if TYPE_CHECKING:
    from models.networks.encoder import Encoder

LIKENESS_ROWS = 2000
SCORES_FILE = "scores.json"

Scores = dict[str, dict[str, float]]


def development_scores(
    model: "Encoder", corpus: Corpus, *, columns: Columns, rows: npt.NDArray[np.int64] | None = None
) -> Scores:
    """Return {`head/file`: {rows, accuracy, macro_f1, macro_recall, rarest_f1}} of `rows` or all development rows."""
    from models.training.encoding import encode_rows

    if rows is None:
        rows = np.flatnonzero(corpus.is_dev)
    if not len(rows):
        return {}
    logits = encode_rows(model, corpus, rows=rows, parts=("logits",))["logits"]
    heads = list(columns.labels)
    scores: Scores = {}
    for head, source in sorted(set(zip(corpus.head[rows], corpus.source[rows], strict=True))):
        mine = (corpus.head[rows] == head) & (corpus.source[rows] == source)
        true, guessed = judged(logits[mine], corpus.label_set[rows[mine]], corpus=corpus)
        scores[f"{heads[head]}/{columns.files[source]}"] = {
            "rows": len(true),
            "accuracy": round(accuracy(true, guessed), 4),
            "macro_f1": round(macro_f1(true, guessed), 4),
            "macro_recall": round(macro_recall(true, guessed), 4),
            "rarest_f1": round(rarest_f1(true, guessed), 4),
        }
    return scores


def write_scores(path: Path, scores: Scores) -> None:
    """Write what `development_scores` found as JSON."""
    content = msgspec.json.format(msgspec.json.encode(scores), indent=1)
    write_whole(path, lambda file: file.write(content + b"\n"))


def read_scores(path: Path) -> Scores:
    """Read what `write_scores` wrote. Raises `InvalidInput` when the file is damaged."""
    return read_whole(path, lambda file: msgspec.json.decode(file.read(), type=Scores))


def scores_table(scores: Scores) -> str:
    """Return a line for each source: its rows, accuracy and macro-F1 in per cent.

    >>> print(scores_table({"irony/a/dev": {"rows": 50, "accuracy": 0.9, "macro_f1": 0.8751}}))
    head/source     rows  accuracy  macro-F1
    irony/a/dev       50      90.0      87.5
    """
    width = max(len(name) for name in ("head/source", *scores))
    lines = [f"{'head/source':{width}}  {'rows':>7}  accuracy  macro-F1"]
    lines += [
        f"{name:{width}}  {one['rows']:7,.0f}  {100 * one['accuracy']:8.1f}  {100 * one['macro_f1']:8.1f}"
        for name, one in scores.items()
    ]
    return "\n".join(lines)


def development_rows(
    corpus: Corpus, columns: Columns, *, heads: Iterable[str]
) -> npt.NDArray[np.int64]:
    """Return the positions of the development rows of some heads."""
    wanted = [list(columns.labels).index(head) for head in heads]
    return np.flatnonzero(corpus.is_dev & np.isin(corpus.head, wanted))


def development_likeness(
    model: "Encoder",
    corpus: Corpus,
    *,
    vectors: npt.NDArray[np.float16],
    rows: npt.NDArray[np.int64],
) -> float:
    """Return the mean cosine of embeddings to `vectors` [texts, hidden], over at most 2,000 of `rows`, evenly taken."""
    from models.training.encoding import encode_rows

    rows = rows[:: max(1, len(rows) // LIKENESS_ROWS)]
    ours = encode_rows(model, corpus, rows=rows, parts=("embedding",))["embedding"]
    theirs = vectors[corpus.text[rows]].astype(np.float32)
    return round(float(np.mean(np.sum(ours * theirs, axis=1))), 4)


def mean_macro_f1(scores: Scores, heads: Iterable[str]) -> float:
    """Return the mean over all sources of `heads`; 0 where none has development rows."""
    wanted = {f"{head}/" for head in heads}
    found = [one["macro_f1"] for key, one in scores.items() if key[: key.index("/") + 1] in wanted]
    return sum(found) / max(1, len(found))


def rarest_f1(true: npt.NDArray[np.int64], guessed: npt.NDArray[np.int64]) -> float:
    """Return the F1 of the class with the fewest true rows."""
    classes, counts = np.unique(true, return_counts=True)
    rarest = classes[counts.argmin()]
    hits = np.sum((true == rarest) & (guessed == rarest))
    return float(2 * hits / (np.sum(true == rarest) + np.sum(guessed == rarest)))


def judged(
    logits: FloatArray, label_sets: npt.NDArray[np.int64], *, corpus: Corpus
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (true, guessed) classes of one source's rows."""
    used, true = np.unique(label_sets, return_inverse=True)
    classes = corpus.targets[used]
    if (classes.sum(0) > 1).any():
        single = corpus.targets[label_sets].sum(1) == 1
        known = np.where(corpus.known[label_sets], logits, -np.inf)
        true_columns = corpus.targets[label_sets].argmax(1)
        return true_columns[single], known.argmax(1)[single]
    among = np.where(corpus.known[label_sets], logits, -1e4)
    raised = np.exp(among - among.max(1, keepdims=True))
    return true, (raised @ classes.T.astype(np.float32)).argmax(1)
