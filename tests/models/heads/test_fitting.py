"""Fitting: what is learnt, judged without self-deceit, the same twice, and sane where there is little to learn from."""

import numpy as np
import pytest

from models.heads.encoding import EncodedTexts
from models.heads.fitting import FittedHead, Lesson, fit_head, fold_of, languages_of
from models.heads.joining import NEVER
from models.heads.weights import HeadScorer
from models.protocols import Lang

pytest.importorskip("sklearn")

WORDS = {
    "lost": ("lost", "gone", "stolen"),
    "refund": ("refund", "money", "back"),
    "top": ("top", "up", "add"),
}


def lesson(each: int, *, labels: int = 3, noise: float = 1.0, strange: int = 0) -> Lesson:
    """Return texts whose words tell the label half the time, and vectors that tell it, dimly, always."""
    rng = np.random.default_rng(5)
    names = list(WORDS)[:labels]
    true = np.repeat(np.arange(labels), each)
    lines, rows = [], []
    for number, label in enumerate(true):
        words = WORDS[names[label]] if number % 2 else ("please", "help", "me")
        lines.append(f"{rng.choice(words)} card {number}")
        rows.append(rng.normal(size=8) * noise + 2 * np.eye(8)[label])
    pooled = np.array(rows, np.float32)
    far = EncodedTexts(
        [f"weather {n}" for n in range(strange)],
        ["en"] * strange,
        rng.normal(size=(strange, 8)).astype(np.float32),
        np.zeros((strange, 1), np.float32),
    )
    texts = EncodedTexts(lines, ["en"] * len(lines), pooled, pooled)
    return Lesson(texts, true, names, far if strange else None)


def test_it_learns_and_joins_better_than_either_part() -> None:
    given = lesson(100)
    fitted = fit_head(given, folds=5, seed=7)
    figures = fitted.figures
    assert figures is not None
    assert figures.rows == 300
    assert figures.accuracy > max(figures.dense_accuracy, figures.sparse_accuracy, 0.8)
    assert figures.answered > 0.95
    assert set(figures.labels) == set(WORDS)
    assert fitted.entropy_limit < NEVER


def test_the_same_examples_give_the_same_head_whatever_they_are_told(caplog: object) -> None:
    told: list[str] = []
    one = fit_head(lesson(30), folds=3, seed=7, tell=told.append)
    two = fit_head(lesson(30), folds=3, seed=7)
    assert one.factors == two.factors
    for name, array in one.weights._asdict().items():
        np.testing.assert_array_equal(array, getattr(two.weights, name))
    assert told[-1] == "fitting on all examples"


def test_labels_that_mean_nothing_do_no_better_than_chance() -> None:
    given = lesson(60)
    shuffled = given._replace(true=np.random.default_rng(0).permutation(given.true))
    figures = fit_head(shuffled, folds=5, seed=7).figures
    assert figures is not None
    assert figures.accuracy < 0.5


def test_texts_out_of_scope_are_refused_more_often_than_others() -> None:
    fitted = fit_head(lesson(100, noise=0.5, strange=50), folds=4, seed=7)
    assert fitted.figures is not None
    assert fitted.figures.out_of_scope_recall is not None
    assert fitted.figures.out_of_scope_recall > 5 * (1 - fitted.figures.answered)


def spoken(chinese: int) -> list[Lang]:
    """Return 300 languages."""
    return ["zh" if at < chinese else "en" for at in range(300)]


def best(fitted: FittedHead, given: Lesson) -> np.ndarray:
    scorer = HeadScorer(fitted.weights)
    sparse = scorer.sparse(fitted.weights.vocabulary.rows(given.texts.lines))
    return np.asarray((scorer.dense(given.texts.pooled) + sparse).argmax(1))


@pytest.mark.parametrize(("each", "labels"), [(1, 2), (1, 3), (2, 2), (3, 3), (40, 2)])
def test_few_examples_and_two_labels_still_make_a_head(each: int, labels: int) -> None:
    given = lesson(each, labels=labels)
    fitted = fit_head(given, folds=5, seed=7)
    assert (best(fitted, given) == given.true).mean() > 0.9
    if labels * each < 10:
        assert fitted.entropy_limit == NEVER


def test_a_label_of_one_example_is_counted_as_missed_not_hidden() -> None:
    given = lesson(30)
    true = given.true.copy()
    true[true == 2] = 1
    true[-1] = 2
    figures = fit_head(given._replace(true=true), folds=3, seed=7).figures
    assert figures is not None
    assert (figures.labels["top"].rows, figures.labels["top"].f1) == (1, 0.0)


def test_the_recall_out_of_scope_is_not_of_the_texts_that_chose_the_limit() -> None:
    figures = fit_head(lesson(100, noise=0.5, strange=1), folds=3, seed=7).figures
    assert figures is not None
    assert figures.out_of_scope_recall is None
    figures = fit_head(lesson(100, noise=0.5, strange=2), folds=3, seed=7).figures
    assert figures is not None
    assert figures.out_of_scope_recall in {0.0, 1.0}


def test_examples_in_a_language_of_few_others_count_as_abstained() -> None:
    given = lesson(100)
    langs = spoken(3)
    fitted = fit_head(given._replace(texts=given.texts._replace(langs=langs)), folds=3, seed=7)
    assert fitted.languages == ("en",)
    assert fitted.figures is not None
    assert fitted.figures.answered <= 0.99
    assert languages_of(spoken(6)) == ("en", "zh")


def test_texts_without_any_letter_are_fitted_on_their_vectors() -> None:
    given = lesson(30)
    empty = given.texts._replace(lines=[""] * len(given.texts.lines))
    figures = fit_head(given._replace(texts=empty), folds=3, seed=7).figures
    assert figures is not None
    assert figures.accuracy > 0.7


def test_folds_spread_every_label() -> None:
    true = np.repeat([0, 1, 2], [10, 3, 1])
    fold = fold_of(true, folds=5, seed=1)
    assert np.bincount(fold[true == 0]).tolist() == [2] * 5
    assert len(set(fold[true == 1])) == 3
    assert sorted(np.bincount(fold).tolist()) == [2, 3, 3, 3, 3]


def test_many_labels_with_few_examples_are_fitted_without_a_warning() -> None:
    # Given more labels than half the examples, of which scikit-learn warns; warnings are errors here
    given = lesson(8)
    fitted = fit_head(
        given._replace(true=np.arange(24) % 16, labels=[f"label {n}" for n in range(16)]),
        folds=2,
        seed=7,
    )
    assert fitted.figures is not None
