"""Each text is read once, in passes of like length, and remembered."""

import numpy as np
import pytest

from contracts.errors import ModelInvalid
from models.cache import Answer, Cache, key_of
from models.forwarding import Forwarder, Limits, joined_outputs
from models.protocols import EngineOutput, TokenBatch
from tests.models.counting_engine import LABELS, CountingEngine

ROWS = [[2, 7, 3], [2, 7, 8, 9, 3], [2, 7, 3], [2, 5, 3]]


def forwarder(engine: CountingEngine, **limits: int) -> Forwarder:
    return Forwarder(engine, LABELS, pad_id=0, limits=Limits(**limits))


def test_answers_stand_in_the_order_of_rows_and_equal_rows_are_read_once() -> None:
    # Given four rows, two of them equal
    engine = CountingEngine()
    # When they are read
    found = forwarder(engine).forward(ROWS)
    # Then three were, and each has its own answer: the engine's is the sum of a row's pieces
    assert engine.rows == 3
    assert found.output.logits["kind"][:, 0].tolist() == [12, 29, 12, 10]
    assert found.output.embedding.shape == (4, 3)
    assert found.output.pooled is not None
    assert [len(shares) for shares in found.shares] == [3, 5, 3, 3]


def test_a_text_seen_before_is_answered_without_the_engine() -> None:
    engine = CountingEngine()
    reading = forwarder(engine, cache_texts=10)
    first, again = reading.forward(ROWS), reading.forward(ROWS[::-1])
    assert engine.rows == 3
    for head in LABELS:
        np.testing.assert_array_equal(first.output.logits[head], again.output.logits[head][::-1])
    np.testing.assert_array_equal(first.shares[1], again.shares[2])


def test_without_room_nothing_is_remembered_and_a_full_cache_forgets_the_oldest() -> None:
    engine = CountingEngine()
    reading = forwarder(engine)
    for _ in range(2):
        reading.forward(ROWS)
    assert engine.rows == 6
    cache: Cache[Answer] = Cache(2)
    for piece in (5, 6, 5, 7):
        if cache.get(key_of([piece])) is None:
            cache.put(key_of([piece]), Answer(np.full(1, piece, np.float32)))
    assert [cache.get(key_of([piece])) is None for piece in (5, 6, 7)] == [False, True, False]
    assert len(cache) == 2


def test_what_one_engine_said_is_forgotten_with_it() -> None:
    # Given a batch that one engine has answered
    engine = CountingEngine()
    reading = forwarder(engine, cache_texts=10)
    reading.forward(ROWS)
    # When another takes its place
    engine.label = "second"
    reading.forward(ROWS)
    # Then it reads everything itself
    assert engine.rows == 6


def test_a_batch_is_of_one_engine_though_it_changes_in_the_middle() -> None:
    engine = CountingEngine(changes_after=1)
    found = forwarder(engine, batch_tokens=4).forward([[2, 5, 3], [2, 6, 7, 8, 3]])
    assert engine.label == "second"
    assert found.output.logits["other"][:, 0].tolist() == [2, 2]


def test_an_engine_that_leaves_rows_out_is_refused() -> None:
    engine = CountingEngine(leaves_out=1)
    with pytest.raises(ModelInvalid, match="must answer every row"):
        forwarder(engine).forward(ROWS)


def test_parts_of_a_batch_are_joined_in_their_order() -> None:
    engine = CountingEngine()
    ids = np.array([[2, 5, 3], [2, 6, 3]])
    parts = [engine.run(TokenBatch(ids[at : at + 1], np.ones((1, 3), np.int64))) for at in (0, 1)]
    whole = joined_outputs(parts)
    assert isinstance(whole, EngineOutput)
    assert whole.logits["kind"][:, 0].tolist() == [10, 11]
    assert joined_outputs(parts[:1]) is parts[0]
