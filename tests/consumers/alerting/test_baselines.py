"""What is usual: learnt in the state, the same after a restart, and whatever a cache holds."""

import random

import pytest

from consumers.alerting.baselines import Baselines, Memory, Usual, Windowed
from consumers.runtime.state import Overlay, PartitionState

MINUTE, HOUR = 60_000, 3_600_000
BEGIN = 490_000 * HOUR


def windows(many: int, *, seed: int = 3) -> list[Windowed]:
    """Return a window a minute; a second group comes after an hour, and some minutes are left out."""
    dice = random.Random(seed)
    made = []
    for number in range(many):
        if number and dice.random() < 0.1:
            continue
        total = dice.randrange(20, 40)
        counts = {"|volume": total, "|negative": dice.randrange(10)}
        shares = {"|share:negative": (counts["|negative"], total)}
        if number > 60:
            counts["topic=health|volume"] = dice.randrange(5)
            shares["topic=health|share:negative"] = (0, counts["topic=health|volume"])
        made.append(Windowed(BEGIN + (number + 1) * MINUTE, counts, shares))
    return made


class Course:
    """Windows of one watch judged in turn, each in a batch of its own."""

    def __init__(self) -> None:
        self.state, self.memory = PartitionState(), Memory()

    def judge(
        self, seen: Windowed, *, learn: bool = True, commits: bool = True
    ) -> dict[str, Usual]:
        overlay = Overlay(self.state)
        baselines = Baselines("default/acme", window_s=60, state=overlay, memory=self.memory)
        usual = baselines.judge(seen, learn=learn)
        if commits:
            overlay.apply()
        return usual

    def kept(self) -> dict[str, bytes | None]:
        return {key: self.state.get(key) for key in self.state.keys_from("")}


@pytest.mark.parametrize("seed", range(4))
def test_a_restart_at_any_window_judges_the_same_to_the_last_bit(seed: int) -> None:
    dice = random.Random(seed)
    whole, cut = Course(), Course()
    for seen in windows(150, seed=seed):
        if dice.random() < 0.15:
            cut.memory = Memory()
        assert cut.judge(seen) == whole.judge(seen)
    assert cut.kept() == whole.kept()


def test_a_batch_that_goes_again_teaches_once() -> None:
    once, again = Course(), Course()
    for number, seen in enumerate(windows(100)):
        for _ in range(number % 3):
            again.judge(seen, commits=False)
        assert again.judge(seen) == once.judge(seen)
    assert again.kept() == once.kept()


def test_a_look_between_teaches_nothing() -> None:
    blind, looking = Course(), Course()
    for seen in windows(70):
        expected = blind.judge(seen)
        assert looking.judge(seen, learn=False) == expected
        assert looking.judge(seen) == expected
        later = seen._replace(end_ms=seen.end_ms + 10_000)
        looking.judge(later, learn=False)
    assert looking.kept() == blind.kept()


def test_a_burst_is_improbable_and_the_usual_is_not() -> None:
    course = Course()
    usual = [course.judge(seen)["|volume"] for seen in windows(120)][-1]
    assert usual.probability > 1e-3
    assert 20 <= usual.expected <= 40
    last = windows(120)[-1].end_ms
    burst = Windowed(last + MINUTE, {"|volume": 200}, {"|share:negative": (150, 200)})
    told = course.judge(burst)
    assert told["|volume"].probability < 1e-9
    assert told["|share:negative"].probability < 1e-9
    assert 0.05 < told["|share:negative"].expected < 0.25


def test_what_is_learnt_is_written_once_an_hour_and_the_windows_since_then_beside_it() -> None:
    course, bases = Course(), set()
    for seen in windows(200):
        course.judge(seen)
        bases.add(course.state.get("base/default/acme/60"))
    assert len(bases) == 4
    assert sum(len(value or b"") for value in course.kept().values()) < 30_000


def test_a_watch_that_was_forgotten_begins_anew() -> None:
    course, fresh = Course(), Course()
    made = windows(90)
    for seen in made[:40]:
        course.judge(seen)
    course.state = PartitionState()
    for seen in made[40:]:
        assert course.judge(seen) == fresh.judge(seen)


def test_so_many_detectors_are_kept_at_hand_and_no_more() -> None:
    first = windows(2)[0]
    memory, state = Memory(series=3 * (len(first.counts) + len(first.shares))), PartitionState()
    for number in range(10):
        overlay = Overlay(state)
        Baselines(f"default/w{number}", window_s=60, state=overlay, memory=memory).judge(
            first, learn=True
        )
        overlay.apply()
    found = [memory.find(f"base/default/w{n}/60", first.end_ms) is not None for n in range(10)]
    assert found == [False] * 7 + [True] * 3
    memory.forget()
    assert memory.find("base/default/w9/60", first.end_ms) is None
