"""Batches: framed by hand, drawn by chance, and a function of seed and number alone."""

import numpy as np
import pytest

from contracts.errors import SettingsInvalid
from models.training.batches import (
    drawing_chances,
    drop_pieces,
    framed_rows,
    label_weights,
    planned_steps,
    with_prefix,
)
from models.training.config import FitConfig
from models.training.corpus import NO_LABELS, Corpus
from models.training.vocabulary import BEGIN_ID, END_ID, PAD_ID, UNKNOWN_ID
from tests.models.training.made_corpus import made_corpus
from tests.models.training.tiny import tiny_config

FIT = FitConfig(layers=1, samples=1000, tokens_per_step=64, rate=1e-3, unlabelled_share=0.25)
CONFIG = tiny_config()  # sentiment has a share of 0.8, kind one of 0.2
BEGIN, END, PAD = BEGIN_ID, END_ID, PAD_ID


def labelled() -> Corpus:
    """Return 6 rows of sentiment (one a development row), 2 of kind, 2 without labels."""
    return made_corpus(
        [[4]] * 10,
        targets=[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        head=[0] * 6 + [1] * 2 + [NO_LABELS] * 2,
        label_set=[0, 0, 0, 0, 1, 1, 2, 3, NO_LABELS, NO_LABELS],
        weight=[1, 1, 1, 1, 4, 1, 1, 3, 1, 1],
        is_dev=[False] * 5 + [True] + [False] * 4,
    )


def test_rows_are_framed_with_or_without_their_context() -> None:
    corpus = made_corpus([[10, 11], [12], []], contexts=[[], [20, 21, 22]], before=[1, 0, 1])
    rows = np.array([0, 1, 2, 0])
    framed = framed_rows(corpus, rows, with_context=np.array([True, True, True, False]))
    assert framed.tolist() == [
        [BEGIN, 10, 11, END, END, 20, 21, 22, END],
        [BEGIN, 12, END] + [PAD] * 6,
        [BEGIN, END, END, 20, 21, 22, END, PAD, PAD],
        [BEGIN, 10, 11, END] + [PAD] * 5,
    ]


def test_padding_goes_no_further_than_the_longest_row() -> None:
    corpus = made_corpus([[10, 11], [12]], contexts=[[], [20]], before=[1, 1])
    framed = framed_rows(corpus, np.array([0, 1]), with_context=np.array([False, False]))
    assert framed.tolist() == [[BEGIN, 10, 11, END], [BEGIN, 12, END, PAD]]


def test_a_prefix_stands_after_the_begin() -> None:
    ids = np.array([[BEGIN, 10, END]])
    assert with_prefix(ids, (7, 8)).tolist() == [[BEGIN, 7, 8, 10, END]]
    assert with_prefix(ids, ()) is ids


def test_chances_keep_the_shares_and_sum_to_one() -> None:
    chances = drawing_chances(labelled(), CONFIG, fit=FIT)
    assert chances.sum() == pytest.approx(1.0)
    # Then a quarter goes to rows without labels, and the rest to heads by their shares and rows by their weights
    assert chances[8:].sum() == pytest.approx(0.25)
    assert chances[:6] == pytest.approx(0.75 * 0.8 * np.array([1, 1, 1, 1, 4, 0]) / 8)
    assert chances[6:8] == pytest.approx(0.75 * 0.2 * np.array([1, 3]) / 4)


def test_left_out_rows_and_heads_are_never_drawn() -> None:
    fit = FitConfig(layers=1, samples=1, tokens_per_step=1, rate=1.0, heads=("kind",))
    chances = drawing_chances(labelled(), CONFIG, fit=fit)
    assert chances.tolist() == pytest.approx([0] * 6 + [0.25, 0.75, 0, 0])
    left = drawing_chances(labelled(), CONFIG, fit=FIT, without=np.array([4]))
    assert left[4] == 0
    assert left[:4] == pytest.approx([0.75 * 0.8 / 4] * 4)


def test_without_the_labels_every_training_row_is_as_likely() -> None:
    fit = FitConfig(layers=1, samples=1, tokens_per_step=1, rate=1.0, labels=0.0)
    chances = drawing_chances(labelled(), CONFIG, fit=fit)
    assert chances.tolist() == [1 / 9] * 5 + [0] + [1 / 9] * 4


def test_label_weights_average_one_in_each_head_and_favour_the_rare() -> None:
    corpus = labelled()
    chances = drawing_chances(corpus, CONFIG, fit=FIT)
    weights = label_weights(corpus, chances, power=0.5)
    for rows in (slice(0, 6), slice(6, 8)):
        assert np.average(weights[rows], weights=chances[rows]) == pytest.approx(1.0)
    # kind's labels have a quarter and three quarters of its draws
    assert weights[6] / weights[7] == pytest.approx(np.sqrt(0.751 / 0.251))
    assert weights[8:].tolist() == [0, 0]
    assert label_weights(corpus, chances, power=0.0)[:5].tolist() == [1] * 5


def test_either_label_counts_half_for_each() -> None:
    corpus = made_corpus(
        [[4]] * 4, targets=[[1, 1, 0], [1, 0, 0], [0, 0, 1]], label_set=[0, 0, 1, 2]
    )
    weights = label_weights(corpus, np.full(4, 0.25), power=1.0)
    # a: 1/2 + 1/4 of the draws, b: 1/4 x 2 halves, c: 1/4; a set has the mean of its labels' shares
    shares = np.array([(0.5 + 0.25) / 2, (0.5 + 0.25) / 2, 0.5, 0.25])
    assert weights == pytest.approx((shares + 1e-3) ** -1 / np.mean((shares + 1e-3) ** -1))


def test_resampling_draws_the_rare_label_more_often() -> None:
    rare = made_corpus([[4]] * 10, label_set=[0] * 9 + [1])
    one = tiny_config(heads={"sentiment": {"share": 1.0}}, sources=[])
    even = FitConfig(layers=1, samples=1, tokens_per_step=1, rate=1.0, resampling=1.0)
    chances = drawing_chances(rare, one, fit=even)
    assert chances.sum() == pytest.approx(1.0)
    assert chances[9] == pytest.approx(0.5, abs=0.01)


def test_steps_are_a_function_of_seed_and_number() -> None:
    chances, lengths = np.full(50, 0.02), np.arange(50) % 9 + 3
    first, again = (
        [step.tolist() for step in planned_steps(chances, lengths, fit=FIT, seed=5)]
        for _ in range(2)
    )
    other = [step.tolist() for step in planned_steps(chances, lengths, fit=FIT, seed=6)]
    assert first == again
    assert first != other
    assert sum(map(len, first)) == FIT.samples


def test_a_step_fits_its_budget_and_draws_no_row_without_a_chance() -> None:
    chances = np.array([0.0] * 25 + [0.04] * 25)
    lengths = np.arange(50) % 9 + 3
    for step in planned_steps(chances, lengths, fit=FIT, seed=5):
        assert len(step) * lengths[step].max() <= FIT.tokens_per_step
        assert step.min() >= 25


def test_dropped_pieces_become_unknown_and_the_frame_stays() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    ids = torch.full((200, 52), 9)
    ids[:, 0], ids[:, 50], ids[:, 51] = BEGIN, END, PAD
    dropped = drop_pieces(ids, share=0.3, augmented=0.5)
    hit = dropped == UNKNOWN_ID
    touched = hit.any(1)
    assert 70 < int(touched.sum()) < 130
    assert 0.25 < float(hit[touched].float().mean()) < 0.35
    assert bool((dropped[:, [0, 50, 51]] == ids[:, [0, 50, 51]]).all())
    assert drop_pieces(ids, share=0.0, augmented=0.5) is ids


def test_heads_without_a_row_leave_nothing_to_draw() -> None:
    fit = FitConfig(layers=1, samples=1, tokens_per_step=1, rate=1.0, heads=("kind",))
    with pytest.raises(SettingsInvalid, match="no training row has a label of kind"):
        drawing_chances(labelled(), CONFIG, fit=fit, without=np.array([6, 7]))
