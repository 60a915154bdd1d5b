"""Fit a head: two linear classifiers, joined by what each says of examples that it was not fitted on.

In: encoded examples. Out: weights, factors, a limit and figures. Imports models.heads, and scikit-learn (extra
`torch`) through models.heads.linear alone.

    vectors ─► logistic regression ─┐
                                    ├─► factors (temperature) and limit from the folds' answers ─► one linear head
    n-grams ─► support vectors ─────┘

How strongly each classifier fits (C) is chosen on the first fold, by the likelihood of its labels under both joined.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from models.heads.encoding import EncodedTexts
from models.heads.joining import KEEP, Factors, entropy, fit_factors, fit_limit, join, loss_of
from models.heads.judging import CrossAnswers, figures_of
from models.heads.linear import Linear, Positions, fit_dense, fit_sparse, sparse_matrix
from models.heads.manifest import HeadFigures
from models.heads.ngrams import Vocabulary, learn_vocabulary
from models.heads.weights import HeadScorer, HeadWeights, packed
from models.protocols import FloatArray, Lang

DENSE_STRENGTHS = (3.0, 10.0, 30.0)
SPARSE_STRENGTHS = (0.3, 1.0)
# 6 million weights of one byte: with 150 labels 40,000 n-grams.
WEIGHT_LIMIT = 6_000_000
GRAM_LIMIT = 200_000
# A language that fewer examples are in was hardly taught, and may be the language table's slip.
LEAST_SPOKEN = 0.02
Tell = Callable[[str], None]


class Strengths(NamedTuple):
    """Hold each classifier's C: the greater, the closer it follows its examples."""

    dense: float = 10.0
    sparse: float = 1.0


class Lesson(NamedTuple):
    """Hold what a head learns from: `texts` with positions of labels, how many labels there are, texts out of scope."""

    texts: EncodedTexts
    true: Positions
    labels: Sequence[str]
    strange: EncodedTexts | None = None


class FittedHead(NamedTuple):
    """Hold a fitted head and what is known of it."""

    weights: HeadWeights
    factors: Factors
    entropy_limit: float
    limit_rule: str
    languages: tuple[Lang, ...]
    strengths: Strengths
    figures: HeadFigures | None


def fit_head(
    lesson: Lesson, *, folds: int, seed: int, keep: float = KEEP, tell: Tell = lambda _: None
) -> FittedHead:
    """Fit by cross-validation, then on all examples; equal examples and seed give an equal head on one machine.

    With fewer than `folds` examples, or where no fold leaves two labels to learn, there are no figures, and the parts
    count alike.
    """
    strengths, answers = _cross_validate(
        lesson, fold_of(lesson.true, folds=folds, seed=seed), tell=tell
    )
    tell("fitting on all examples")
    weights = _fit(lesson, np.arange(len(lesson.true)), strengths=strengths)
    factors = Factors()
    if answers.is_judged.any():
        judged = answers.is_judged
        factors = fit_factors(
            answers.dense[judged], answers.sparse[judged], true=lesson.true[judged]
        )
    shares = join(answers.dense, answers.sparse, factors=factors)
    choosing, reporting = _halves(_doubt_of_strange(lesson, weights, factors=factors), seed=seed)
    is_right = (shares.argmax(1) == lesson.true) & answers.is_judged
    limit, rule = fit_limit(entropy(shares), is_right, strange=choosing, keep=keep)
    figures = None
    if answers.is_judged.any():
        figures = figures_of(
            answers,
            lesson.true,
            labels=lesson.labels,
            factors=factors,
            limit=limit,
        )
        if len(reporting):
            recall = round(float((reporting > np.float32(limit)).mean()), 4)
            figures = msgspec.structs.replace(figures, out_of_scope_recall=recall)
    return FittedHead(
        weights, factors, limit, rule, languages_of(lesson.texts.langs), strengths, figures
    )


def languages_of(langs: Sequence[Lang]) -> tuple[Lang, ...]:
    """Return the languages that enough examples are in; one is always left.

    >>> languages_of(["en"] * 99 + ["zh"])
    ('en',)
    """
    counts = Counter(langs)
    return tuple(sorted(lang for lang in counts if counts[lang] >= LEAST_SPOKEN * len(langs)))


def fold_of(true: Positions, *, folds: int, seed: int) -> Positions:
    """Return each example's fold; a label's examples are spread evenly, and rare labels over different folds."""
    folds = max(2, min(folds, len(true)))
    order = np.random.default_rng(seed).permutation(len(true))
    order = order[np.argsort(true[order], kind="stable")]
    result = np.empty(len(true), np.int64)
    result[order] = np.arange(len(true)) % folds
    return result


def _cross_validate(
    lesson: Lesson, fold: Positions, *, tell: Tell
) -> tuple[Strengths, CrossAnswers]:
    languages = languages_of(lesson.texts.langs)
    shape = (len(lesson.true), len(lesson.labels))
    answers = CrossAnswers(
        np.zeros(shape, np.float32),
        np.zeros(shape, np.float32),
        np.zeros(shape[0], bool),
        np.array([lang not in languages for lang in lesson.texts.langs]),
    )
    strengths: Strengths | None = None
    for number in range(int(fold.max()) + 1):
        asked, taught = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        present = np.unique(lesson.true[taught])
        if len(present) < 2:
            continue
        tell(f"cross-validation, fold {number + 1} of {int(fold.max()) + 1}")
        strengths = strengths or _choose(lesson, taught, asked=asked)
        scorer, vocabulary = _scorer(_fit(lesson, taught, strengths=strengths))
        answers.dense[asked] = scorer.dense(lesson.texts.pooled[asked])
        lines = [lesson.texts.lines[i] for i in asked]
        answers.sparse[asked] = scorer.sparse(vocabulary.rows(lines))
        answers.is_judged[asked] = np.isin(lesson.true[asked], present)
    return strengths or Strengths(), answers


def _choose(lesson: Lesson, taught: Positions, *, asked: Positions) -> Strengths:
    """Return the strengths under which the joined answers to `asked` are likeliest."""
    known = asked[np.isin(lesson.true[asked], lesson.true[taught])]
    if not len(known):
        return Strengths()
    true, labels = lesson.true[taught], len(lesson.labels)
    vocabulary, rows = _vocabulary(lesson, taught)
    lines = [lesson.texts.lines[i] for i in known]
    asked_rows = sparse_matrix(vocabulary.rows(lines), width=len(vocabulary.hashes))
    pooled = lesson.texts.pooled
    dense = {
        strength: _scores(
            fit_dense(pooled[taught], true, labels=labels, strength=strength), pooled[known]
        )
        for strength in DENSE_STRENGTHS
    }
    sparse = {
        strength: _scores(fit_sparse(rows, true, labels=labels, strength=strength), asked_rows)
        for strength in SPARSE_STRENGTHS
    }
    losses = {}
    for a, b in ((a, b) for a in dense for b in sparse):
        factors = fit_factors(dense[a], sparse[b], true=lesson.true[known])
        shares = join(dense[a], sparse[b], factors=factors)
        losses[Strengths(a, b)] = loss_of(shares, lesson.true[known])
    return min(losses, key=lambda strengths: losses[strengths])


def _scores(linear: Linear, inputs: FloatArray) -> FloatArray:
    return np.asarray(inputs @ linear.weights + linear.bias, np.float32)


def _fit(lesson: Lesson, taught: Positions, *, strengths: Strengths) -> HeadWeights:
    true, labels = lesson.true[taught], len(lesson.labels)
    vocabulary, rows = _vocabulary(lesson, taught)
    dense = fit_dense(lesson.texts.pooled[taught], true, labels=labels, strength=strengths.dense)
    sparse = fit_sparse(rows, true, labels=labels, strength=strengths.sparse)
    return packed(vocabulary, dense=dense, sparse=sparse)


def _vocabulary(lesson: Lesson, taught: Positions) -> tuple[Vocabulary, object]:
    lines = [lesson.texts.lines[i] for i in taught]
    limit = min(GRAM_LIMIT, WEIGHT_LIMIT // len(lesson.labels))
    vocabulary = learn_vocabulary(lines, limit=limit)
    return vocabulary, sparse_matrix(vocabulary.rows(lines), width=len(vocabulary.hashes))


def _scorer(weights: HeadWeights) -> tuple[HeadScorer, Vocabulary]:
    return HeadScorer(weights), weights.vocabulary


def _doubt_of_strange(lesson: Lesson, weights: HeadWeights, *, factors: Factors) -> FloatArray:
    if lesson.strange is None or not lesson.strange.lines:
        return np.zeros(0, np.float32)
    scorer, vocabulary = _scorer(weights)
    dense = scorer.dense(lesson.strange.pooled)
    sparse = scorer.sparse(vocabulary.rows(lesson.strange.lines))
    return entropy(join(dense, sparse, factors=factors))


def _halves(strange: FloatArray, *, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return those that choose the limit and those that its recall is reported on: never the same ones."""
    order = np.random.default_rng(seed).permutation(len(strange))
    return strange[order[::2]], strange[order[1::2]]
