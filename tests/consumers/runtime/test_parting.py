"""A batch parted: every part is smaller than the whole, nothing is lost, and each input keeps its order."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.protocols import Input, Record
from consumers.runtime.parting import halves, singly
from tests.consumers.runtime.given import records_of

BATCHES = st.dictionaries(st.integers(0, 5), st.integers(1, 20), min_size=1).map(
    lambda counts: {Input("in", n): records_of(Input("in", n), many) for n, many in counts.items()}
)


@given(BATCHES.filter(lambda batch: sum(map(len, batch.values())) > 1))
def test_halves_are_smaller_and_together_the_whole(batch: dict[Input, list[Record]]) -> None:
    parts = list(halves(batch))
    size = sum(map(len, batch.values()))
    assert all(0 < sum(map(len, part.values())) < size for part in parts)
    joined = {source: [r for part in parts for r in part.get(source, [])] for source in batch}
    assert joined == batch


@given(BATCHES)
def test_one_by_one_they_are_the_whole(batch: dict[Input, list[Record]]) -> None:
    parts = list(singly(batch))
    assert {tuple(map(len, part.values())) for part in parts} == {(1,)}
    joined = {source: [r for part in parts for r in part.get(source, [])] for source in batch}
    assert joined == batch
