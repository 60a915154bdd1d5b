"""The bare network reads every text in the portion that was chosen once, whichever portion that is."""

from deploy.bench.raw import BUDGETS, RawForward
from deploy.bench.texts import distinct_texts


def test_each_turn_reads_all_texts_in_one_and_the_same_portion() -> None:
    raw = RawForward(distinct_texts(40))
    chosen = raw._budget
    assert chosen in BUDGETS
    read = 0
    run = raw._engine.run

    def counted(batch):  # type: ignore[no-untyped-def]
        nonlocal read
        read += len(batch.input_ids)
        assert batch.input_ids.size <= chosen or len(batch.input_ids) == 1
        return run(batch)

    raw._engine.run = counted  # type: ignore[method-assign]
    assert raw.turn().rate > 0
    # All of them, and the first portion once more before time counts.
    assert 40 < read < 80
    assert raw._budget == chosen
