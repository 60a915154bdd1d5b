"""Train the classical yardstick on a file of the user's and answer with it: TF-IDF and logistic regression.

In: labelled texts to learn from, texts to answer. Out: a share for every class. Imports scikit-learn inside the
functions (extra `torch`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from contracts.errors import InvalidInput, MissingExtra
from models.evaluation.figures import Numbers
from models.evaluation.rows import LabelledText

FEATURE_LIMIT = 60_000
ROUNDS = 300
STRENGTH = 4.0
HAN = ("\u3400", "\u9fff")


def check_installed() -> None:
    """Raise `MissingExtra` where scikit-learn is not installed: better before the model has run than after."""
    try:
        import sklearn  # noqa: F401  only whether it is there
    except ImportError as error:
        raise MissingExtra(
            "the baseline needs scikit-learn, which is not installed; install it with: pip install 'hubbub[torch]'"
        ) from error


def baseline_shares(
    training: Sequence[LabelledText],
    judged: Sequence[LabelledText],
    *,
    positions: Mapping[str, int],
    classes: int,
) -> Numbers:
    """Return the shares [judged rows, classes] of a classifier fitted on the rows whose label has one of `positions`.

    Each language has a classifier of its own, as Chinese is read by characters, pairs and triples, and other languages
    by words and pairs. A text that is judged is never learnt from. A language without training rows is answered evenly.
    Raises `InvalidInput` when fewer than two classes are left to learn.
    """
    known = {_text(row) for row in judged}
    kept = [row for row in training if row.label in positions and _text(row) not in known]
    if len({positions[row.label] for row in kept}) < 2:
        raise InvalidInput(
            f"the baseline has {len(kept)} rows to learn from, of fewer than two classes: its labels must be those of "
            "the judged file, and its texts others"
        )
    shares = np.full((len(judged), classes), 1 / classes)
    for is_han in (False, True):
        mine = [row for row in kept if is_chinese(_text(row)) == is_han]
        asked = [at for at, row in enumerate(judged) if is_chinese(_text(row)) == is_han]
        targets = [positions[row.label] for row in mine]
        if asked and len(set(targets)) > 1:
            texts = [_text(judged[at]) for at in asked]
            shares[asked] = _fitted_shares(
                [_text(row) for row in mine], targets, texts=texts, classes=classes, is_han=is_han
            )
    return shares


def is_chinese(text: str) -> bool:
    """Say whether at least a fifth of the characters are Han.

    >>> is_chinese("服务太差了 OK"), is_chinese("the word 好 alone, it means good")
    (True, False)
    """
    return 5 * sum(HAN[0] <= character <= HAN[1] for character in text) >= max(len(text), 1)


def _text(row: LabelledText) -> str:
    return f"{row.item.title}\n{row.item.text}" if row.item.title else row.item.text


def _fitted_shares(
    learnt: list[str], targets: list[int], *, texts: list[str], classes: int, is_han: bool
) -> Numbers:
    vectorizer, classifier = _parts(is_han)
    try:
        features = vectorizer.fit_transform(learnt)
    except ValueError as error:
        raise InvalidInput(f"the baseline's texts have no words: {error}") from error
    classifier.fit(features, targets)
    shares = np.zeros((len(texts), classes))
    shares[:, classifier.classes_] = classifier.predict_proba(vectorizer.transform(texts))
    return shares


def _parts(is_han: bool) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(
        analyzer="char" if is_han else "word",
        ngram_range=(1, 3) if is_han else (1, 2),
        min_df=2,
        max_features=FEATURE_LIMIT,
        sublinear_tf=True,
    )
    return vectorizer, LogisticRegression(C=STRENGTH, max_iter=ROUNDS)
