"""What watches would have told of a recording: firings, how late, near misses, and a picture of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from consumers.alerting.deciding import Judged
from consumers.alerting.rule import AlertRule, Missing, Verdict
from consumers.alerting.tallies import Tally
from consumers.alerting.watched import Watched
from consumers.operations.backtest_pages import firing_lines, head_lines, near_lines, watch_line
from consumers.operations.backtesting import Backtest, Trial, backtest_of, span_of
from consumers.operations.curves import Bins, Curves
from consumers.operations.near_misses import HOUR_MS, NearMisses
from consumers.operations.panels import Panel, panels_of
from consumers.operations.plotting import check_drawable, write_plot
from consumers.operations.recorded import Recording
from consumers.operations.rehearsing import Listening, rehearse
from contracts.errors import InvalidInput, MissingExtra
from contracts.settings import load
from contracts.watches import Rule, Watch
from models.identity import IdentityScorer
from tests.consumers.operations.given_recordings import BEGIN, TURN, WATCH, recording

SETTINGS = load(flags={})
RULES = (
    *WATCH.rules,
    Rule("threshold", {"measure": "volume", "above": 30, "window": "10m"}, id="many"),
    Rule("threshold", {"measure": "volume", "above": 12, "hold": "1h"}, id="held"),
    Rule("negative_surge", {"by": "topic"}),
)
ACME = msgspec.structs.replace(WATCH, rules=RULES)
BARE = Watch(id="bare", query="globex")


class Tried:
    """Hold one back-test and its curves."""

    def __init__(self) -> None:
        self.recording = Recording(recording(), bad=2, filtered=1)
        span = span_of(self.recording.events, pane_ms=10_000)
        self.curves, misses = Curves(Bins(*span), [ACME, BARE]), NearMisses()
        scorer = IdentityScorer()

        def note(watched: Watched, judged: Judged) -> None:
            misses.take(watched, judged)
            self.curves.take(watched, judged)

        done = rehearse(
            SETTINGS, [ACME, BARE], events=self.recording.events, scorer=scorer,
            listening=Listening(note, self.curves.hear),
        )  # fmt: skip
        self.trial = Trial(done, misses, span)
        self.backtest = backtest_of(
            [ACME, BARE], self.trial, recording=self.recording, scorer=scorer, settings=SETTINGS
        )

    @property
    def panels(self) -> list[Panel]:
        return panels_of(self.backtest, self.curves)


@pytest.fixture(scope="module")
def tried() -> Tried:
    """Return eight hours tried once."""
    return Tried()


@pytest.fixture
def backtest(tried: Tried) -> Backtest:
    return tried.backtest


def test_each_firing_is_told_with_how_late_it_came_and_how_long_it_lasted(
    backtest: Backtest,
) -> None:
    acme, _ = backtest.watches
    spike, many = acme.firings
    assert (spike.rule, spike.change, many.rule) == ("volume_spike", "fired", "many")
    assert TURN < spike.fired_at < many.fired_at
    assert spike.late_s == 60
    assert spike.ended_at is not None
    assert spike.lasted_s == (spike.ended_at - spike.fired_at).total_seconds()
    assert spike.says["en"].startswith("acme: ")
    assert (acme.fired, acme.mentions) == (2, len(recording()))
    assert acme.a_day == pytest.approx(2 / backtest.days, rel=1e-3)


def test_silence_that_only_the_end_of_the_recording_makes_is_left_out(
    tried: Tried, backtest: Backtest
) -> None:
    # Given that silence does fire in the hours that pass after the last event
    assert {step.rule for step in tried.trial.rehearsed.transitions} >= {"silence"}
    # Then it is no firing of the recording
    assert {firing.rule for firing in backtest.watches[0].firings} == {"volume_spike", "many"}


def test_what_nearly_fired_is_told_with_what_was_missing(backtest: Backtest) -> None:
    near = {rule.rule: rule.near for rule in backtest.watches[0].rules}
    # The rule that must hold for an hour was broken for some minutes.
    assert [lack.condition for lack in near["held"][0].missing] == ["hold_s"]
    assert near["held"][0].missing[0].says.endswith("of 1 h")
    # No miss of a rule that fired lies within an hour of its firing.
    assert all(abs((seen.at - TURN).total_seconds()) > 3000 for seen in near["volume_spike"])
    assert near["negative_surge-topic"] == ()


def test_the_document_counts_what_was_read_and_how_it_ended(backtest: Backtest) -> None:
    assert (backtest.events, backtest.bad, backtest.filtered) == (len(recording()), 2, 1)
    assert (backtest.begin, backtest.lateness_s) == (BEGIN, 5.0)
    again = msgspec.json.decode(msgspec.json.encode(backtest), type=Backtest)
    assert again.watches[0].firings == backtest.watches[0].firings


def test_it_is_told_in_words(backtest: Backtest) -> None:
    acme, bare = backtest.watches
    first, second = head_lines(backtest)
    assert first.startswith("156 events over 8 h, 2026-01-05 00:00:00Z to 2026-01-05 08:")
    assert second.endswith("2 bad rows, 1 rows filtered")
    assert watch_line(acme).startswith("default/acme: 156 mentions; would have fired 2 times, ")
    assert watch_line(bare) == "default/bare: 0 mentions; it has no rules, so nothing can fire"
    told, sentence = firing_lines(acme.firings[0], lang="zh")
    assert told.startswith("2026-01-05 06:00:")
    assert "volume_spike: " in told
    assert "1 min late, for " in told
    assert sentence.startswith("    【acme】1分钟内出现")
    lines = list(near_lines(acme))
    assert "negative_surge-topic: nothing came near" in lines
    assert any("held: broken for " in line for line in lines)


def verdicts(*levels: tuple[int, str]) -> Iterator[Verdict]:
    """Yield verdicts at so many seconds: of a breach, or of so many mentions out of five."""
    for at_s, level in levels:
        missing = () if level == "breach" else (Missing("mentions", float(level), 5),)
        yield Verdict(
            "held", "", at_s * 1000, 60, "volume", "breach" if level == "breach" else "clear", 1.0, 1.0,
            missing=missing,
        )  # fmt: skip


def test_of_each_hour_the_nearest_miss_is_kept_and_a_hold_too_short_is_one() -> None:
    # Given a rule that must be broken for a minute
    rule = AlertRule("held", "threshold", "", hold_s=60)
    misses = NearMisses()
    # When windows are clear, broken for half a minute, clear, and in the next hour broken for a minute
    for verdict in verdicts(
        (10, "1"), (20, "4"), (30, "breach"), (40, "breach"), (50, "3"),
        (3610, "4"), (3620, "breach"), (3680, "breach"),
    ):  # fmt: skip
        misses.take(Watched(ACME), Judged(rule, verdict, Tally()))
    # Then each hour has one: what was broken for ten seconds, and what had just been broken when it fired
    found = [(v.end_ms // HOUR_MS, v.missing[0]) for v in misses.of("default/acme", "held")]
    assert found == [(0, Missing("hold_s", 10.0, 60)), (1, Missing("hold_s", 0.0, 60))]


def test_a_panel_has_the_curve_what_is_usual_and_what_fired(tried: Tried) -> None:
    spike, _, many, *_ = tried.panels
    assert (spike.title, spike.measure, len(spike.firings)) == (
        "acme · volume_spike", "mentions a minute", 1,
    )  # fmt: skip
    # In the minute of the turn twelve came, where one in five minutes is usual.
    highest = max(spike.points, key=lambda point: point.observed)
    assert highest.observed == 12
    assert TURN.timestamp() * 1000 <= highest.at_ms <= (TURN.timestamp() + 300) * 1000
    before = [point.usual for point in spike.points if point.at_ms < TURN.timestamp() * 1000]
    assert before[-1] == pytest.approx(0.2, abs=0.1)
    assert {point.usual for point in many.points if point.usual} == {30.0}


def test_the_picture_has_its_size_and_is_not_blank(tried: Tried, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    # Given a panel whose group is no Latin word
    panels = tried.panels[:1] * 4 + [tried.panels[0]._replace(title="acme · 退款 $a$")]
    # When one column of panels and two are drawn
    for count, rows in ((1, 1), (5, 3)):
        path = tmp_path / f"{count}.png"
        write_plot(panels[:count], path, span=tried.trial.span)
        pixels = imread(path)
        # Then each is as wide as said, as high as its rows, and has more than one colour
        assert pixels.shape[:2] == (round(70 + 230 * rows), 1400)
        assert pixels[:, :, :3].std() > 0.05


def test_a_picture_that_cannot_be_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"pip install 'hubbub\[plots\]'"):
        check_drawable(tmp_path / "a.png")
    monkeypatch.undo()
    pytest.importorskip("matplotlib")
    with pytest.raises(InvalidInput, match="there is no folder"):
        check_drawable(tmp_path / "none" / "a.png")
