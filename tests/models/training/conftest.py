"""One tiny training run for all tests of this folder; they add to its folder and change nothing in it."""

import pytest

from tests.models.training.trained import Home


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Train once, in two goes."""
    pytest.importorskip("torch")
    home = Home(tmp_path_factory.mktemp("home"))
    home.train("prepare", "vectors", "teacher-1")
    home.train()
    return home
