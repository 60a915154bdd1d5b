"""The state of a partition and a batch's writes on it, against a plain dict."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.runtime.state import Overlay, PartitionState

KEYS = st.text(alphabet="ab/", max_size=4)
VALUES = st.binary(max_size=2)
WRITES = st.lists(st.tuples(KEYS, st.none() | VALUES), max_size=30)


def written(
    overlay: Overlay, model: dict[str, bytes], writes: list[tuple[str, bytes | None]]
) -> None:
    for key, value in writes:
        if value is None:
            overlay.delete(key)
            model.pop(key, None)
        else:
            overlay.put(key, value)
            model[key] = value


@given(batches=st.lists(st.tuples(WRITES, st.booleans()), max_size=6), prefix=KEYS, probe=KEYS)
def test_it_reads_as_a_dict_would_within_batches_and_after_them(
    batches: list[tuple[list[tuple[str, bytes | None]], bool]], prefix: str, probe: str
) -> None:
    state, committed = PartitionState(), dict[str, bytes]()
    for writes, commits in batches:
        # Given a batch's writes, each read sees them at once.
        overlay, model = Overlay(state), dict(committed)
        written(overlay, model, writes)
        assert overlay.get(probe) == model.get(probe)
        assert list(overlay.scan(prefix)) == sorted(
            (key, value) for key, value in model.items() if key.startswith(prefix)
        )
        # When it commits, the state moves on; when not, it is as if it had never been.
        if commits:
            overlay.apply()
            committed = model
        assert dict(Overlay(state).scan("")) == committed
        assert len(state) == len(committed)


@given(writes=WRITES)
def test_the_last_value_of_each_key_is_what_would_be_sent_once(
    writes: list[tuple[str, bytes | None]],
) -> None:
    overlay = Overlay(PartitionState())
    written(overlay, {}, writes)
    assert overlay.written == dict(writes)


def test_a_scan_may_be_written_to_while_it_runs() -> None:
    state = PartitionState()
    for key in "abc":
        state.apply(key, b"1")
    overlay = Overlay(state)
    for key, _ in overlay.scan(""):
        overlay.delete(key)
        overlay.put(f"{key}+", b"2")
    assert dict(overlay.scan("")) == {"a+": b"2", "b+": b"2", "c+": b"2"}


def test_a_key_added_after_a_scan_stands_in_its_order() -> None:
    state = PartitionState()
    state.apply("b", b"1")
    assert list(state.keys_from("")) == ["b"]
    state.apply("a", b"1")
    state.apply("c", b"1")
    state.apply("b", None)
    state.apply("b", None)
    assert list(state.keys_from("")) == ["a", "c"]
