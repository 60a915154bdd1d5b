"""The search: begins with the config's own settings, goes on where it was, and writes down every trial."""

import msgspec
import pytest

from contracts.errors import SettingsInvalid
from models.training.searching import SEARCH_LEDGER, SPACE, Search, Tried, search
from tests.models.training.trained import Home

pytest.importorskip("optuna")


def test_a_search_goes_on_where_it_was(home: Home) -> None:
    # Given a search of two trials, when it is asked for three
    search(home.run, Search(trials=2, samples=60))
    best = search(home.run, Search(trials=3, samples=60, heads=("sentiment",)))
    lines = (home.run.folder / SEARCH_LEDGER).read_bytes().splitlines()
    tried = [msgspec.json.decode(line, type=Tried) for line in lines]
    # Then there are three, the first with the config's own settings
    assert [one.number for one in tried] == [0, 1, 2]
    own = msgspec.to_builtins(home.run.config.student.fit)
    assert tried[0].settings["soft_labels"] == pytest.approx(own["soft_labels"])
    assert tried[0].settings != tried[1].settings
    # and the best is the one with the highest figure
    assert best.macro_f1 == max(one.macro_f1 for one in tried)
    assert all(
        SPACE[name].low <= value <= SPACE[name].high for name, value in best.settings.items()
    )


def test_a_head_without_figures_is_refused(home: Home) -> None:
    with pytest.raises(SettingsInvalid, match=r"\['kind'\]; there are sentiment"):
        search(home.run, Search(trials=1, heads=("kind",)))
