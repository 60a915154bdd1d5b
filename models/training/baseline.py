"""Train the yardstick: TF-IDF and logistic regression on the same rows, judged on the same development rows.

In: labelled rows. Out: accuracy and macro-F1 by development source and head. Imports scikit-learn lazily (extra
`torch`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import structlog

from models.evaluation.figures import accuracy, macro_f1
from models.training.sources import LabelledRow

FEATURE_LIMIT = 60_000
ROW_LIMIT = 60_000

log = structlog.get_logger()


def baseline_figures(
    rows: Sequence[LabelledRow], labels: Mapping[str, Sequence[str]], *, seed: int
) -> dict[str, dict[str, float]]:
    """Return {`head/source`: {accuracy, macro_f1}}; one classifier a head and language, rows with one label alone.

    English in words and pairs of words, Chinese in characters, pairs and triples. A guess is made among the labels
    that the source knows, as for the model. At most 60,000 training rows, chosen by seed.
    """
    figures: dict[str, dict[str, float]] = {}
    for head in labels:
        for lang in ("en", "zh"):
            mine = [
                row
                for row in rows
                if row.head == head and row.lang == lang and len(row.targets) == 1
            ]
            training = [row for row in mine if not row.is_dev]
            if len(training) > ROW_LIMIT:
                chosen = np.random.default_rng(seed).choice(len(training), ROW_LIMIT, replace=False)
                training = [training[i] for i in sorted(chosen)]
            development = [row for row in mine if row.is_dev]
            if training and development:
                figures |= _fit_and_judge(training, development, name=f"{head}/{lang}")
    return figures


def _fit_and_judge(
    training: Sequence[LabelledRow], development: Sequence[LabelledRow], *, name: str
) -> dict[str, dict[str, float]]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    is_chinese = training[0].lang == "zh"
    vectorizer = TfidfVectorizer(
        analyzer="char" if is_chinese else "word",
        ngram_range=(1, 3) if is_chinese else (1, 2),
        min_df=2,
        max_features=FEATURE_LIMIT,
        sublinear_tf=True,
    )
    features = vectorizer.fit_transform(row.text for row in training)
    classifier = LogisticRegression(C=4.0, max_iter=150)
    weights = np.array([row.weight for row in training])
    classifier.fit(features, [row.targets[0] for row in training], sample_weight=weights)
    log.info("baseline_fitted", name=name, rows=len(training))
    scores = classifier.predict_log_proba(vectorizer.transform(row.text for row in development))
    return _judge(classifier.classes_, scores, development=development)


def _judge(
    classes: Any, scores: Any, *, development: Sequence[LabelledRow]
) -> dict[str, dict[str, float]]:
    figures = {}
    for source in dict.fromkeys(row.source for row in development):
        at = [i for i, row in enumerate(development) if row.source == source]
        known = np.isin(classes, development[at[0]].known)
        true = np.array([development[i].targets[0] for i in at])
        guessed = classes[np.where(known, scores[at], -np.inf).argmax(1)]
        key = f"{development[at[0]].head}/{source}"
        figures[key] = {"accuracy": accuracy(true, guessed), "macro_f1": macro_f1(true, guessed)}
    return figures
