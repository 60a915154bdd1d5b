"""The search: begins with the config's own settings, goes on where it was, and writes down every trial."""

import msgspec
import pytest

from contracts.errors import SettingsInvalid
from models.training.searching import (
    SEARCH_LEDGER,
    SPACE,
    Search,
    Tried,
    enqueue_own,
    exact,
    open_study,
    search,
)
from tests.models.training.trained import Home

pytest.importorskip("optuna")


def lines_of(home: Home, *, samples: int) -> list[Tried]:
    lines = (home.run.folder / SEARCH_LEDGER).read_bytes().splitlines()
    tried = [msgspec.json.decode(line, type=Tried) for line in lines]
    return [one for one in tried if one.samples == samples]


def is_own(home: Home, tried: Tried) -> bool:
    own = msgspec.to_builtins(home.run.config.student.fit)
    return all(
        value == pytest.approx(min(SPACE[name].high, max(SPACE[name].low, own[name])))
        for name, value in tried.settings.items()
    )


def test_a_search_goes_on_where_it_was(home: Home) -> None:
    # Given a search of two trials, when it is asked for three
    search(home.run, Search(trials=2, samples=60))
    best = search(home.run, Search(trials=3, samples=60))
    tried = lines_of(home, samples=60)
    # Then there are three, the first with the config's own settings
    assert [one.number for one in tried] == [0, 1, 2]
    assert [is_own(home, one) for one in tried] == [True, False, False]
    # and the best is the one with the highest figure
    assert best.macro_f1 == max(one.macro_f1 for one in tried)
    assert all(
        SPACE[name].low <= value <= SPACE[name].high for name, value in best.settings.items()
    )


def test_the_configs_own_settings_are_tried_again_when_their_trial_was_killed(home: Home) -> None:
    # Given a search that was killed in its first trial
    wanted = exact(home.run, Search(trials=1, samples=61))
    study = open_study(home.run, wanted)
    enqueue_own(home.run, study)
    study.ask()
    # When it goes on
    search(home.run, wanted)
    # Then the config's own settings are what it tries, and a third start does not try them once more
    search(home.run, Search(trials=2, samples=61))
    assert [is_own(home, one) for one in lines_of(home, samples=61)] == [True, False]


def test_trials_of_other_samples_or_heads_are_another_search(home: Home) -> None:
    # Given one trial, when one is wanted of more samples, and one of a head alone
    first = search(home.run, Search(trials=1, samples=62))
    other = search(home.run, Search(trials=1, samples=63))
    alone = search(home.run, Search(trials=1, samples=62, heads=("sentiment", "sentiment")))
    # Then each is tried, and the ledger tells them apart
    assert [first.number, other.number, alone.number] == [0, 0, 0]
    assert [one.heads for one in lines_of(home, samples=62)] == [(), ("sentiment",)]
    assert len(lines_of(home, samples=63)) == 1


def test_a_search_without_samples_has_the_configs(home: Home) -> None:
    assert exact(home.run, Search(trials=1)).samples == home.run.config.student.fit.samples


def test_a_line_from_before_samples_were_kept_is_read() -> None:
    line = b'{"number": 0, "settings": {}, "macro_f1": 0.5, "scores": {}}'
    assert msgspec.json.decode(line, type=Tried).samples == 0


def test_a_head_without_figures_is_refused(home: Home) -> None:
    with pytest.raises(SettingsInvalid, match=r"\['kind'\]; there are sentiment"):
        search(home.run, Search(trials=1, heads=("kind",)))
