"""Joining both parts: the factors find the better part, and the limit keeps its promise."""

import numpy as np
import pytest

from models.heads.joining import (
    NEVER,
    SPARSE_SHARE,
    Factors,
    entropy,
    fit_factors,
    fit_limit,
    join,
)

RNG = np.random.default_rng(1)
TRUE = RNG.integers(0, 4, 400)


def scores(quality: float) -> np.ndarray:
    out = RNG.normal(size=(400, 4)).astype(np.float32)
    out[np.arange(400), TRUE] += np.float32(quality)
    return out


def test_a_part_that_says_nothing_gets_no_say() -> None:
    factors = fit_factors(scores(3.0), scores(0.0), true=TRUE)
    assert factors.dense > 0.5
    assert factors.sparse < 0.1 * factors.dense


def test_vectors_that_know_every_example_leave_n_grams_their_share() -> None:
    # Given vectors that were made for these very examples, and n-grams that are fair
    known, fair = scores(30.0), scores(1.5)
    # When factors are fitted
    alone = fit_factors(0 * fair, fair, true=TRUE).sparse
    factors = fit_factors(known, fair, true=TRUE)
    # Then n-grams keep their share, and both together know more than n-grams alone
    assert factors.sparse >= round(SPARSE_SHARE * alone, 4) - 1e-4
    assert factors.dense > 0
    joined = join(known, fair, factors=factors)
    assert (joined.argmax(1) == TRUE).mean() > (fair.argmax(1) == TRUE).mean()


def test_both_parts_together_are_better_than_either() -> None:
    dense, sparse = scores(1.5), scores(1.5)
    factors = fit_factors(dense, sparse, true=TRUE)
    joined = (join(dense, sparse, factors=factors).argmax(1) == TRUE).mean()
    assert joined > (dense.argmax(1) == TRUE).mean()
    assert joined > (sparse.argmax(1) == TRUE).mean()


def test_overconfident_scores_are_tempered() -> None:
    dense = 10 * scores(1.0)
    factors = fit_factors(dense, 0 * dense, true=TRUE)
    confidence = join(dense, 0 * dense, factors=factors).max(1).mean()
    assert confidence == pytest.approx((dense.argmax(1) == TRUE).mean(), abs=0.08)


def test_examples_that_are_all_right_earn_no_certainty() -> None:
    sure = np.zeros((400, 4), np.float32)
    sure[np.arange(400), TRUE] = 5.0
    shares = join(sure, sure, factors=fit_factors(sure, sure, true=TRUE))
    assert shares.max() == pytest.approx(401 / 402, abs=0.002)


def test_entropy_is_a_share_of_the_greatest() -> None:
    shares = np.array([[0.25] * 4, [1, 0, 0, 0]], np.float32)
    np.testing.assert_allclose(entropy(shares), [1, 0], atol=1e-6)


def test_the_limit_keeps_the_share_of_right_answers_that_was_asked_for() -> None:
    doubt = RNG.uniform(size=1000).astype(np.float32)
    limit, rule = fit_limit(doubt, np.ones(1000, bool), keep=0.9)
    assert (doubt <= np.float32(limit)).mean() == pytest.approx(0.9, abs=0.003)
    assert "90.0%" in rule


def test_strange_texts_move_the_limit_but_never_below_the_promise() -> None:
    doubt = np.linspace(0, 0.5, 1000).astype(np.float32)
    far = np.full(50, 0.9, np.float32)
    limit, _ = fit_limit(doubt, np.ones(1000, bool), strange=far)
    assert 0.5 <= limit < 0.9  # nothing is lost where nothing need be
    limit, _ = fit_limit(doubt, np.ones(1000, bool), strange=0 * far)
    assert (doubt <= np.float32(limit)).mean() >= 0.99


def test_few_right_answers_choose_no_limit() -> None:
    limit, rule = fit_limit(np.full(20, 0.3, np.float32), np.ones(20, bool))
    assert limit == NEVER
    assert rule.startswith("never")


def test_factors_of_one_are_the_sum_of_the_scores() -> None:
    dense, sparse = scores(1), scores(1)
    expected = np.exp(dense + sparse)
    np.testing.assert_allclose(
        join(dense, sparse, factors=Factors()), expected / expected.sum(1, keepdims=True), rtol=1e-4
    )
