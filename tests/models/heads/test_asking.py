"""Which text is asked about: the doubtful one first, then one unlike it, never the same twice."""

import numpy as np

from models.heads.asking import Asker, centred

RNG = np.random.default_rng(2)
# Three heaps of twenty texts each and one text far from all
HEAPS = np.repeat(np.eye(8)[:3], 20, axis=0) + 0.05 * RNG.normal(size=(60, 8))
TEXTS = np.vstack([HEAPS, -np.ones((1, 8))]).astype(np.float32)
FAR = 60


def test_without_a_head_each_heap_is_asked_about_before_any_twice() -> None:
    asker = Asker(TEXTS, doubt=None)
    first = [asker.next() for _ in range(3)]
    assert {at // 20 for at in first if at is not None} == {0, 1, 2}


def test_with_a_head_the_doubtful_come_first_and_not_all_alike() -> None:
    doubt = np.zeros(61, np.float32)
    doubt[:20] = 0.9
    doubt[20] = 0.8
    asker = Asker(TEXTS, doubt=doubt)
    first, second = asker.next(), asker.next()
    assert first is not None
    assert first < 20
    # The nineteen others are as doubtful, but the first has told what they would tell
    assert second == 20


def test_every_text_is_asked_about_once_and_then_none() -> None:
    asker = Asker(TEXTS, doubt=None)
    asker.answered([5, 6])
    asked = [asker.next() for _ in range(59)]
    assert sorted(at for at in asked if at is not None) == [i for i in range(61) if i not in {5, 6}]
    assert asker.next() is None
    asker.reopen(7)
    assert (asker.left, asker.next()) == (1, 7)


def test_what_was_answered_before_makes_those_like_it_worth_less() -> None:
    asker = Asker(TEXTS, doubt=np.ones(61, np.float32))
    asker.answered(range(20))
    for _ in range(3):
        at = asker.next()
        assert at is not None
        assert at >= 20


def test_no_texts_and_equal_texts_are_no_trouble() -> None:
    assert Asker(np.zeros((0, 8), np.float32), doubt=None).next() is None
    same = Asker(np.ones((3, 8), np.float32), doubt=None)
    assert {same.next(), same.next(), same.next()} == {0, 1, 2}
    assert np.isfinite(centred(np.ones((3, 8), np.float32))).all()
