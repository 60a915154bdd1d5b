"""N-grams: the same wherever a line stands, limited, and quick to read."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.heads.ngrams import PIECES, WORDS, grams_of, learn_vocabulary

LINES = ["the card is lost", "card card card", "", "我的卡丢了", "Ünïcödé ☂ 1234", "a"]


def counts(line: str) -> tuple[int, int]:
    grams = grams_of([line])
    return int((grams.kind == WORDS).sum()), int((grams.kind == PIECES).sum())


def test_words_pairs_and_pieces_are_counted() -> None:
    # Two words and their pair; of " ab " 2 + 3 + 2 + 1 pieces of 1 to 4 characters, of " c " 1 + 2 + 1
    assert counts("ab c") == (3, 12)
    assert counts("") == (0, 0)


def test_a_piece_of_five_characters_never_holds_a_space_inside() -> None:
    alone = set(grams_of(["ab", "cd"]).hash.tolist())
    together = grams_of(["ab cd"])
    strange = [h for h in together.hash[together.kind == PIECES].tolist() if h not in alone]
    assert strange == []


@given(st.lists(st.text(max_size=40), max_size=8), st.text(max_size=40))
def test_a_line_has_the_same_features_whatever_stands_around_it(
    around: list[str], line: str
) -> None:
    vocabulary = learn_vocabulary([*LINES, line], limit=5000)
    alone = vocabulary.rows([line])
    together = vocabulary.rows([*around, line])
    start = int(together.starts[-2])
    np.testing.assert_array_equal(together.columns[start:], alone.columns)
    np.testing.assert_array_equal(together.weights[start:], alone.weights)


def test_capitals_and_repetitions_change_weights_not_columns() -> None:
    vocabulary = learn_vocabulary(LINES, limit=5000)
    once, shouted = vocabulary.rows(["card"]), vocabulary.rows(["CARD"])
    np.testing.assert_array_equal(once.columns, shouted.columns)
    assert len(vocabulary.rows(["card card"]).columns) == len(once.columns) + 1  # the pair


def test_a_line_s_words_and_pieces_have_length_one_each() -> None:
    vocabulary = learn_vocabulary(LINES, limit=5000)
    rows = vocabulary.rows(LINES[:1])
    kinds = vocabulary.kinds[rows.columns]
    for kind in (WORDS, PIECES):
        assert math.isclose(float((rows.weights[kinds == kind] ** 2).sum()), 1, abs_tol=1e-5)


def test_the_vocabulary_keeps_to_its_limit_and_takes_the_most_frequent() -> None:
    lines = [f"common word{number}" for number in range(300)]
    vocabulary = learn_vocabulary(lines, limit=10)
    assert len(vocabulary.hashes) == 10
    assert len(vocabulary.rows(["common"]).columns) > 0
    # Of many lines, what stands in one alone is left out
    assert len(learn_vocabulary(lines, limit=100_000).rows(["word7"]).columns) < len(
        learn_vocabulary(lines[:9], limit=100_000).rows(["word7"]).columns
    )


def test_nothing_to_learn_gives_a_vocabulary_that_knows_nothing() -> None:
    vocabulary = learn_vocabulary([], limit=10)
    assert vocabulary.rows(["a", "b"]).starts.tolist() == [0, 0, 0]
    assert vocabulary.rows([]).starts.tolist() == [0]


@pytest.mark.parametrize("line", ["\n\n", "\ud800", "a" * 100_000, " ".join("ab" * 3000)])
def test_any_line_is_read(line: str) -> None:
    vocabulary = learn_vocabulary([line, "x"], limit=100)
    assert len(vocabulary.rows([line]).starts) == 2


def test_hundreds_of_short_texts_a_second_are_read_at_least() -> None:
    # One core reads thousands; a fraction of them still fails a step that became quadratic.
    lines = [
        f"why was my card payment number {number} declined yesterday?" for number in range(4000)
    ]
    vocabulary = learn_vocabulary(lines, limit=20_000)
    began = time.process_time()
    vocabulary.rows(lines)
    assert len(lines) / (time.process_time() - began) > 400
