"""Train the yardstick: TF-IDF and logistic regression on the same rows, judged on the same development rows.

In: labelled rows. Out: accuracy, macro-F1 and macro-recall by head and development source. Imports scikit-learn lazily
(extra `torch`).

A yardstick that is trained on all kinds of text at once is a weak one. So two are trained for each source, on the
rows of its own kind and on all rows of its head and language whose labels tell the same classes apart, and the better
one counts. English in words and pairs of words, Chinese in characters, pairs and triples.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import structlog

from models.evaluation.figures import accuracy, macro_f1, macro_recall
from models.training.sources import LabelledRow

FEATURE_LIMIT = 60_000
ROW_LIMIT = 30_000

log = structlog.get_logger()


def baseline_figures(rows: Sequence[LabelledRow], *, seed: int) -> dict[str, dict[str, float]]:
    """Return {`head/source`: {accuracy, macro_f1, macro_recall}}; at most 30,000 training rows, chosen by seed."""
    figures: dict[str, dict[str, float]] = {}
    for head, source, lang in dict.fromkeys((r.head, r.source, r.lang) for r in rows if r.is_dev):
        development = [
            r for r in rows if r.is_dev and (r.head, r.source, r.lang) == (head, source, lang)
        ]
        classes = _classes(development)
        judged = [row for row in development if _class_of(row) in classes]
        training = [
            row
            for row in rows
            if not row.is_dev and (row.head, row.lang) == (head, lang) and _class_of(row) in classes
        ]
        own = [row for row in training if kind_of(row.source) == kind_of(source)]
        tried = [
            _fit_and_judge(_limited(part, seed=seed), judged)
            for part in ([own] if len(own) == len(training) else [own, training])
            if len({_class_of(row) for row in part}) > 1
        ]
        if tried and len(classes) > 1:
            figures[f"{head}/{source}"] = max(tried, key=lambda each: each["macro_f1"])
            log.info("baseline_fitted", head=head, source=source, **figures[f"{head}/{source}"])
    return figures


def kind_of(source: str) -> str:
    """Return what files of one kind share.

    >>> kind_of("tweeteval/hate.train.jsonl.gz")
    'tweeteval/hate'
    """
    return source.split(".", 1)[0].removesuffix("/train").removesuffix("/dev")


def _class_of(row: LabelledRow) -> str:
    return "+".join(sorted(row.targets))


def _classes(rows: Sequence[LabelledRow]) -> set[str]:
    """Return the sets of labels where they do not overlap, else the single labels."""
    sets = {tuple(sorted(row.targets)) for row in rows}
    if len({label for group in sets for label in group}) < sum(map(len, sets)):
        sets = {group for group in sets if len(group) == 1}
    return {"+".join(group) for group in sets}


def _limited(rows: Sequence[LabelledRow], *, seed: int) -> list[LabelledRow]:
    if len(rows) <= ROW_LIMIT:
        return list(rows)
    chosen = np.random.default_rng(seed).choice(len(rows), ROW_LIMIT, replace=False)
    return [rows[i] for i in sorted(chosen)]


def _fit_and_judge(
    training: Sequence[LabelledRow], development: Sequence[LabelledRow]
) -> dict[str, float]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    is_chinese = training[0].lang == "zh"
    vectorizer: Any = TfidfVectorizer(
        analyzer="char" if is_chinese else "word",
        ngram_range=(1, 3) if is_chinese else (1, 2),
        min_df=2,
        max_features=FEATURE_LIMIT,
        sublinear_tf=True,
    )
    features = vectorizer.fit_transform(row.text for row in training)
    classifier = LogisticRegression(C=4.0, max_iter=150)
    classifier.fit(features, [_class_of(row) for row in training])
    guessed = classifier.predict(vectorizer.transform(row.text for row in development))
    true = [_class_of(row) for row in development]
    names = sorted({*true, *guessed})
    pair = [np.array([names.index(name) for name in side]) for side in (true, guessed)]
    return {
        "accuracy": round(accuracy(*pair), 4),
        "macro_f1": round(macro_f1(*pair), 4),
        "macro_recall": round(macro_recall(*pair), 4),
    }
