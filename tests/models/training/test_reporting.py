"""How a stage tells what it does: its last losses always, and one file of events."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from models.training.reporting import Reporter  # noqa: E402  (torch first)
from tests.models.training.trained import scalars_in  # noqa: E402


def test_the_last_losses_of_a_short_stage_are_told_once(tmp_path: Path) -> None:
    # Given a stage of two steps, over in no time
    reporter = Reporter("fitting", 20, folder=tmp_path)
    for seen in (10, 20):
        reporter.take({"labels": torch.tensor(seen / 100)}, seen=seen)
    # When it ends, and ends again
    reporter.end()
    reporter.end()
    reporter.close()
    # Then its last losses stand in its events, and how many texts it saw in a second
    found = scalars_in(tmp_path)
    assert found["labels"] == pytest.approx({20: 0.2})
    assert len(found["per_second"]) == 1


def test_without_a_step_or_a_folder_nothing_is_told(tmp_path: Path) -> None:
    reporter = Reporter("fitting", 20, folder=None)
    reporter.end()
    reporter.add({"macro_f1": 0.5}, seen=20)
    reporter.close()
    assert list(tmp_path.iterdir()) == []
