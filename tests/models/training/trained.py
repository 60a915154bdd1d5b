"""A tiny run that is trained once for all tests."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.models.training.tiny import FIT, tiny_config, write_base, write_data

if TYPE_CHECKING:
    from models.training.pipeline import Run

LONGER = FIT | {"samples": 5000, "dropout": 0.0, "augmented": 0.0}


class Home:
    """A place with a base encoder, data sets and a run's folder."""

    def __init__(self, folder: Path) -> None:
        from models.training.pipeline import Run

        self.data = folder / "data"
        write_data(self.data)
        sha256 = write_base(folder / "packages")
        student = {"first": FIT, "fit": LONGER | {"soft_labels": 0.2, "likeness": 0.2}}
        self.folder = folder
        self.run = Run(folder / "run", tiny_config(sha256, student=student))

    def train(self, *stages: str) -> "Run":
        """Run some stages, or all, with the base encoder's package on the path."""
        from models.training.pipeline import train

        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(self.folder / "packages"))
            train(self.run, self.data, stages=stages, threads=1)
        return self.run


def scalars_in(folder: Path) -> dict[str, dict[int, float]]:
    """Return {tag: {texts seen: value}} of the TensorBoard events in a folder; skip where there is no TensorBoard."""
    reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reading.EventAccumulator(str(folder)).Reload()
    return {
        tag: {one.step: one.value for one in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }
