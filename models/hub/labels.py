"""Turn a hub model's outputs into probabilities of our labels.

In: logits [rows, theirs], and the map from their labels to ours. Out: probabilities [rows, ours] that sum to 1, and how
much of the model's answer they cover. Pure; imports numpy, contracts and models.hub.folder.

A single-label model: p = softmax(logits / T). Labels of theirs that are one label of ours add; those without one are
dropped and the rest is divided by what it sums to, q. A row with q < 1/2 says mostly what was dropped: it abstains.

A multi-label model has an independent p = sigmoid(logit / T) for each label. Several of theirs that are one of ours
count with the highest (they overlap, so their sum would not be a probability); `rest` has 1 - the highest of all
others, or its own where theirs has such a label. The likeliest label b keeps its p; the others share 1 - p(b) by
their own p:

    >>> table = LabelMap(
    ...     ("rude", "threat"), ("rude", "threat", "none"), targets=(0, 1), is_multi=True
    ... )
    >>> table.probabilities(np.array([[2.2, 0.0], [-2.2, -4.6]]), temperature=1.0)[0].round(
    ...     2
    ... ).tolist()
    [[0.9, 0.08, 0.02], [0.09, 0.01, 0.9]]

So `none` is the answer exactly where no label reaches 1/2, and beside a label stands the model's own probability.
"""

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from models.hub.folder import CONFIG, HubFolder

GENERIC = re.compile(r"LABEL_\d+")
DROPPED = -1
LEAST_KEPT = 0.5
EMOTION = "emotion"
SENTIMENT = "sentiment"
EMOTIONS = frozenset(
    ("anger", "disgust", "fear", "joy", "neutral", "optimism", "sadness", "surprise")
)
SENTIMENTS = frozenset(("negative", "neutral", "positive"))
POLES = frozenset(("negative", "positive"))
Floats = npt.NDArray[np.float64]


class LabelMap(NamedTuple):
    """Hold the labels of a model and ours; `targets[i]` is the place in `ours` of their label i, -1 where dropped.

    Where `is_multi`, the last of `ours` holds when no other does.
    """

    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    targets: tuple[int, ...]
    is_multi: bool

    @property
    def generic(self) -> tuple[str, ...]:
        """Return those of our labels that say nothing, such as `label_0`."""
        return tuple(label for label in self.ours if GENERIC.fullmatch(label.upper()))

    def probabilities(self, logits: Any, *, temperature: float) -> tuple[Floats, Floats]:
        """Return [rows, ours] that sum to 1, and [rows] how much of the model's own answer they cover."""
        scaled = np.asarray(logits, np.float64) / temperature
        return self._multi(scaled) if self.is_multi else self._single(scaled)

    def _single(self, scaled: Floats) -> tuple[Floats, Floats]:
        raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        raised /= raised.sum(axis=1, keepdims=True)
        table = np.zeros((len(scaled), len(self.ours)))
        for column, target in enumerate(self.targets):
            if target != DROPPED:
                table[:, target] += raised[:, column]
        kept = table.sum(axis=1)
        # Where all that is left is nothing, every label is as likely; such a row abstains.
        table = np.where(kept[:, None] > 0, table, 1.0)
        return table / table.sum(axis=1, keepdims=True), kept

    def _multi(self, scaled: Floats) -> tuple[Floats, Floats]:
        each = 1 / (1 + np.exp(-np.clip(scaled, -500, 500)))
        table = np.zeros((len(scaled), len(self.ours)))
        for column, target in enumerate(self.targets):
            if target != DROPPED:
                table[:, target] = np.maximum(table[:, target], each[:, column])
        table[:, -1] = np.maximum(table[:, -1], 1 - table[:, :-1].max(axis=1))
        best = table.argmax(axis=1)
        rows = np.arange(len(table))
        top = table[rows, best].copy()
        table[rows, best] = 0
        others = table.sum(axis=1)
        table *= ((1 - top) / np.where(others > 0, others, 1))[:, None]
        table[rows, best] = np.where(others > 0, top, 1)
        return table, np.ones(len(table))


def label_map(folder: HubFolder, model: HubModel) -> LabelMap:
    """Return how the folder's labels become ours.

    Raises `ModelInvalid` for a model that gives a number instead of labels, for a map that names labels which the model
    does not have or leaves fewer than two, and, where `strict`, for labels that the map leaves out.
    """
    theirs = folder.labels
    is_multi = _is_multi(folder, model)
    _check_map(folder, model)
    chosen = (
        [model.labels.get(label) for label in theirs] if model.labels else list(map(safe, theirs))
    )
    ours = list(dict.fromkeys(label for label in chosen if label))
    if is_multi:
        ours = [label for label in ours if label != model.rest] + [model.rest]
    if len(ours) < 2:
        raise ModelInvalid(
            f"{folder.name} would always answer {', '.join(ours)}: map at least two of its labels"
            f" ({', '.join(theirs)}) to different ones, such as the rest to `none`"
        )
    targets = tuple(ours.index(label) if label else DROPPED for label in chosen)
    return LabelMap(theirs, tuple(ours), targets, is_multi)


def head_name(ours: tuple[str, ...], name: str) -> str:
    """Return `emotion` or `sentiment` where the labels are those of the head, else the model's name made safe.

    >>> (
    ...     head_name(("negative", "positive"), "x/y"),
    ...     head_name(("Rude", "none"), "unitary/Toxic-BERT"),
    ... )
    ('sentiment', 'toxic-bert')
    """
    if set(ours) <= EMOTIONS:
        return EMOTION
    if POLES <= set(ours) <= SENTIMENTS:
        return SENTIMENT
    bare = re.sub(r"[^a-z0-9]+", "-", name.rstrip("/").rpartition("/")[2].lower()).strip("-")
    return bare if bare[:1].isalpha() else f"hub-{bare}".rstrip("-")


def safe(label: str) -> str:
    """Return a label of theirs as a query can name it.

    >>> safe("Very Negative"), safe("5 stars")
    ('very_negative', '5_stars')
    """
    return re.sub(r"\W+", "_", label.lower()).strip("_") or "label"


def check_poles(head: str, ours: tuple[str, ...]) -> None:
    """Raise `ModelInvalid` for a head named `sentiment` without both poles, of which valence is made."""
    if head == SENTIMENT and not set(ours) >= POLES:
        raise ModelInvalid(
            f"the head sentiment has the labels {', '.join(ours)}: it needs negative and positive; map them, or name it"
            " otherwise"
        )


def _is_multi(folder: HubFolder, model: HubModel) -> bool:
    told = (folder.config.problem_type or "").removesuffix("_classification")
    count = len(folder.labels)
    problem = model.problem or told or ("regression" if count == 1 else "single_label")
    if problem == "multi_label":
        return True
    if problem == "single_label" and count > 1:
        return False
    raise ModelInvalid(
        f"{folder.path / CONFIG} says {problem} with {count} output: a head needs labels to choose among, not a number."
        ' Where each output is the logit of a yes or no, set problem = "multi_label"'
    )


def _check_map(folder: HubFolder, model: HubModel) -> None:
    theirs = folder.labels
    unknown = [label for label in model.labels if label not in theirs]
    if unknown:
        raise ModelInvalid(
            f"labels maps {', '.join(unknown)}, which {folder.name} does not have; it has {', '.join(theirs)}"
        )
    left_out = [label for label in theirs if label not in model.labels]
    if model.strict and model.labels and left_out:
        raise ModelInvalid(
            f"labels says nothing of {', '.join(left_out)} of {folder.name}: map them, or set strict = false to"
            " drop them"
        )
