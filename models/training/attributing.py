"""Learn what each piece of a text adds to its emotions, from what happens without it.

In: a trained encoder and texts. Out: a linear map from a piece's vectors to the fall of each emotion's log
probability when the piece's word is taken out. Imports numpy; torch through the encoder.

A piece's share of a logit is exact (the head is linear over the mean of vectors), but says little: in the last layer
every piece has heard of every other, and all of them say what the text says. Taking words out says what counts, at one
pass a word. Here that is done once, for some thousands of texts, and a ridge regression learns it from three vectors
of each piece: the one that enters, the second layer's, the last one's.

    fall(word) ~ sum over its pieces of  A [embedded, second, last] + a

Reference for learning explanations instead of computing each: Jethani et al., FastSHAP, 2022.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import structlog
from tokenizers import Tokenizer

from models.batching import pad_batch, plan_batches
from models.protocols import FloatArray
from models.training.corpus import Columns, Corpus
from models.training.vocabulary import BEGIN_ID, END_ID, PAD_ID, SPACE

if TYPE_CHECKING:
    from models.networks.encoder import Encoder

TEXTS = 2000  # of each language
SHORTEST, LONGEST = 6, 42
LARGEST_FALL = 3.0
RIDGE = 0.02
SEED = 3

log = structlog.get_logger()


class Taken(NamedTuple):
    """Hold one text, its words as groups of positions, and how far each word's absence lowers each emotion."""

    pieces: list[int]
    words: list[list[int]]
    falls: FloatArray


class Learning(NamedTuple):
    """Hold what is learnt from: the corpus, its columns, the tokenizer, and the head that is explained."""

    corpus: Corpus
    columns: Columns
    tokenizer: Tokenizer
    head: str


def fit_shares(model: "Encoder", learning: Learning) -> FloatArray:
    """Return float32 [3 x hidden + 1, labels]: the map A, and last the constant a."""
    corpus, columns, tokenizer, head = learning
    rows = chosen_rows(corpus, list(columns.labels).index(head))
    texts = [_pieces(corpus, row) for row in rows]
    words = [
        words_of(
            [tokenizer.id_to_token(piece) or "" for piece in text], by_piece=corpus.lang[row] == 1
        )
        for text, row in zip(texts, rows, strict=True)
    ]
    taken = take_words(model, texts, words=words, span=columns.span(head))
    inputs, falls = [], []
    for each, vectors in zip(taken, piece_vectors(model, texts), strict=True):
        for group, fall in zip(each.words, each.falls, strict=True):
            inputs.append(np.append(vectors[group].sum(0), len(group)))
            falls.append(np.clip(fall, -LARGEST_FALL, LARGEST_FALL))
    matrix, explained = ridge(np.array(inputs, np.float64), np.array(falls, np.float64))
    log.info("shares_fitted", texts=len(texts), words=len(inputs), explained=round(explained, 3))
    return matrix


def chosen_rows(corpus: Corpus, head: int) -> list[int]:
    """Return training rows of one head, without context, neither short nor long, as many of each language."""
    lengths = corpus.lengths() - 2
    usable = (corpus.head == head) & ~corpus.is_dev & (corpus.before == 0)
    usable &= (lengths >= SHORTEST) & (lengths <= LONGEST)
    generator = np.random.default_rng(SEED)
    found: list[int] = []
    for lang in (0, 1):
        mine = np.flatnonzero(usable & (corpus.lang == lang))
        found += generator.permutation(mine)[:TEXTS].tolist()
    return found


def words_of(pieces: Sequence[str], *, by_piece: bool) -> list[list[int]]:
    """Return the positions of each word's pieces; in Chinese each piece counts as one.

    >>> words_of(["▁so", "▁happ", "y"], by_piece=False)
    [[0], [1, 2]]
    """
    groups: list[list[int]] = []
    for at, piece in enumerate(pieces):
        if by_piece or not groups or piece.startswith(SPACE):
            groups.append([at])
        else:
            groups[-1].append(at)
    return groups


def take_words(
    model: "Encoder",
    texts: Sequence[list[int]],
    *,
    words: Sequence[list[list[int]]],
    span: slice,
) -> list[Taken]:
    """Return, for every text, what each of its words' absence does."""
    asked = []
    for text, groups in zip(texts, words, strict=True):
        asked.append(text)
        asked += [[piece for at, piece in enumerate(text) if at not in group] for group in groups]
    answers = log_probabilities(model, asked, span=span)
    taken, at = [], 0
    for text, groups in zip(texts, words, strict=True):
        whole, without = answers[at], answers[at + 1 : at + 1 + len(groups)]
        taken.append(Taken(text, groups, whole - without))
        at += 1 + len(groups)
    return taken


def log_probabilities(model: "Encoder", texts: Sequence[list[int]], *, span: slice) -> FloatArray:
    """Return log probabilities [texts, labels] of one head."""
    import torch

    found: FloatArray = np.zeros((len(texts), span.stop - span.start), np.float32)
    framed = [[BEGIN_ID, *text, END_ID] for text in texts]
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for batch in plan_batches([len(row) for row in framed]):
            ids = pad_batch([framed[i] for i in batch.positions], batch.width, pad_id=PAD_ID)
            logits = model(torch.from_numpy(ids.input_ids)).logits[:, span].float()
            found[list(batch.positions)] = torch.log_softmax(logits, 1).numpy()
    return found


def piece_vectors(model: "Encoder", texts: Sequence[list[int]]) -> list[FloatArray]:
    """Return [pieces, 3 x hidden] of each text: the embedded, the second layer's and the last vectors."""
    import torch

    framed = [[BEGIN_ID, *text, END_ID] for text in texts]
    found: dict[int, FloatArray] = {}
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for batch in plan_batches([len(row) for row in framed]):
            ids = pad_batch([framed[i] for i in batch.positions], batch.width, pad_id=PAD_ID)
            states = model.layer_states(torch.from_numpy(ids.input_ids))
            joined = torch.cat(
                [states[at].float() for at in (0, 2, len(states) - 1)], dim=2
            ).numpy()
            for row, position in enumerate(batch.positions):
                found[position] = joined[row, 1 : len(framed[position]) - 1]
    return [found[at] for at in range(len(texts))]


def ridge(inputs: FloatArray, falls: FloatArray) -> tuple[FloatArray, float]:
    """Return the ridge solution float32 [inputs, labels] and the share of variance that it explains."""
    gram = inputs.T @ inputs
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    matrix = np.linalg.solve(gram, inputs.T @ falls)
    left = ((falls - inputs @ matrix) ** 2).sum() / ((falls - falls.mean(0)) ** 2).sum()
    return matrix.astype(np.float32), float(1 - left)


def read_or_fit(path: Path, model: "Encoder", *, learning: Learning) -> FloatArray:
    """Return what `path` holds, or fit it and write it there."""
    if not path.exists():
        np.save(path, fit_shares(model, learning))
    matrix: FloatArray = np.load(path)
    return matrix


def _pieces(corpus: Corpus, row: int) -> list[int]:
    text = corpus.text[row]
    pieces: list[int] = corpus.pieces[corpus.starts[text] : corpus.starts[text + 1]].tolist()
    return pieces
