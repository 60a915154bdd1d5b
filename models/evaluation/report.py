"""Hold what an evaluation reports, as `hubbub models evaluate --json` writes it.

In: nothing. Out: frozen records. Imports msgspec and models.evaluation.
"""

import msgspec

from models.evaluation.label_sets import LabelClass
from models.evaluation.summary import Figures


class LanguageSummary(msgspec.Struct, frozen=True):
    """Hold the figures of the rows in one language."""

    n: int
    accuracy: float
    macro_f1: float
    ece: float
    answered: float


class OutOfScope(msgspec.Struct, frozen=True):
    """Hold how a head does where no label fits: it should abstain there, and answer elsewhere.

    `recall` is the share of the `n` rows labelled out of scope on which it abstains; `in_scope_accuracy` counts an
    abstention on any other row as wrong.
    """

    n: int
    recall: float
    in_scope_accuracy: float


class Mistake(msgspec.Struct, frozen=True):
    """Hold one wrong guess: its text, the true class, the guess and the guess's share."""

    text: str
    true: str
    guessed: str
    confidence: float


class Evaluation(Figures, frozen=True, kw_only=True):
    """Hold the figures of one head on one file, beside what was judged and what was left out.

    `answered` is the share of rows on which the head does not abstain, `answered_accuracy` its accuracy there;
    `open_accuracy` lets it choose among all its labels. `skipped` rows were not judged, `skipped_by_reason` says why
    and `unmapped` names the labels that have no class. `per_language` is empty where there is one language. `baseline`
    is TF-IDF with logistic regression, on the same rows.
    """

    task: str
    head: str
    model_name: str
    model_version: str
    engine: str
    skipped: int
    skipped_by_reason: dict[str, int]
    unmapped: dict[str, int]
    answered: float
    answered_accuracy: float
    open_accuracy: float
    classes: tuple[LabelClass, ...]
    per_language: dict[str, LanguageSummary]
    texts_per_second: float
    out_of_scope: OutOfScope | None = None
    errors: tuple[Mistake, ...] = ()
    baseline: Figures | None = None
