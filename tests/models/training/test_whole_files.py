"""A file is there whole or not at all, and one that was damaged since says what to do."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from contracts.errors import InvalidInput
from models.training.whole_files import read_whole, write_whole


def half(file: BinaryIO) -> None:
    file.write(b"half")
    file.flush()
    raise KeyboardInterrupt


def test_an_interrupted_write_leaves_no_file_or_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, half)
    assert not path.exists()
    write_whole(path, lambda file: file.write(b"whole"))
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, half)
    assert path.read_bytes() == b"whole"


def test_what_an_interruption_left_beside_it_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "soft.npy"
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, half)
    write_whole(path, lambda file: np.save(file, np.arange(3)))
    assert read_whole(path, np.load).tolist() == [0, 1, 2]
    assert [one.name for one in tmp_path.iterdir()] == ["soft.npy"]


@pytest.mark.parametrize("left", [0, 40, 150])
def test_a_file_that_was_cut_since_is_named_with_the_remedy(tmp_path: Path, left: int) -> None:
    path = tmp_path / "soft.npy"
    write_whole(path, lambda file: np.save(file, np.arange(30)))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(InvalidInput, match=r"soft\.npy is damaged .*: remove it"):
        read_whole(path, np.load)
