"""What is kept of a watch: read back as written, forgotten whole, and never that of a watch whose name begins alike."""

from consumers.alerting.keeping import CURVE_POINTS, NEVER_MS, Curves, Keeping, Kept, due_times
from consumers.alerting.panes import HEARD_LIMIT, Counted, OpenPane
from consumers.runtime.state import Overlay, PartitionState
from contracts.alerts import CurvePoint
from models.keyphrases import PhraseCounts


def filled(state: Overlay, key: str) -> Keeping:
    """Write one record of each sort, those of baselines, alerts and silences by their keys."""
    keeping = Keeping(key, state)
    keeping.put_kept(Kept(first_ms=0, decided_ms=10, due_ms=20))
    keeping.put_counted(Counted({0: [1]}))
    keeping.put_pane(OpenPane(30_000))
    keeping.put_pane(OpenPane(5000))
    keeping.put_curves(Curves({"rule/": [CurvePoint(1, 2.0, 3.0)]}))
    keeping.put_phrases(PhraseCounts(texts=1.0))
    for name in (f"base/{key}/60", f"since/{key}/60", f"episode/{key}/rule/", f"silences/{key}"):
        state.put(name, b"x")
    return keeping


def test_what_was_never_written_is_empty() -> None:
    keeping = Keeping("default/acme", Overlay(PartitionState()))
    assert keeping.kept() is None
    assert keeping.pane(0) is None
    assert (keeping.counted(), keeping.curves(), keeping.open_starts()) == (Counted(), Curves(), [])


def test_records_are_read_back_as_they_were_written() -> None:
    keeping = filled(Overlay(PartitionState()), "default/acme")
    assert keeping.kept() == Kept(first_ms=0, decided_ms=10, due_ms=20)
    assert keeping.curves().by_rule["rule/"] == [CurvePoint(1, 2.0, 3.0)]
    assert keeping.open_starts() == [5000, 30_000]
    keeping.drop_pane(5000)
    assert keeping.open_starts() == [30_000]


def test_what_is_forgotten_is_forgotten_whole_and_the_neighbours_stay() -> None:
    # Given a watch between others whose names begin as its own does
    state = Overlay(PartitionState())
    for key in ("default/acme", "default/acme2", "default/acm", "other/default"):
        filled(state, key)
    before = dict(state.scan(""))
    Keeping("default/acme", state).forget()
    left = dict(state.scan(""))
    gone = before.keys() - left.keys()
    assert len(gone) == 10
    assert all("default/acme/" in f"{key}/" for key in gone)
    assert not [key for key in left if "default/acme/" in f"{key}/"]


def test_every_watch_of_which_anything_is_kept_is_due_or_never_is() -> None:
    state = Overlay(PartitionState())
    filled(state, "default/acme")
    state.put("silences/default/never", b"x")
    assert dict(due_times(state)) == {"default/acme": 20, "default/never": NEVER_MS}


def test_a_curve_keeps_its_last_points() -> None:
    curves = Curves()
    for at in range(100):
        curves.add("rule/", CurvePoint(at, 1.0, 1.0))
    assert [point.at_ms for point in curves.by_rule["rule/"]] == [*range(100 - CURVE_POINTS, 100)]


def test_when_sources_spoke_is_kept_of_so_many_and_of_those_that_are_wanted() -> None:
    kept = Kept(0, 0, 0)
    for number in range(200):
        kept.hear({"": number, f"s{number:03}": number}, wanted={"", "s150"})
    kept.hear({"": 7, "s150": 20}, wanted={"", "s150"})
    assert len(kept.heard_ms) == HEARD_LIMIT
    assert (kept.heard_ms[""], kept.heard_ms["s150"]) == (199, 150)
