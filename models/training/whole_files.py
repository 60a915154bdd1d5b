"""Write a file whole or not at all, since training takes a file that is there for a stage that is done.

In: a path and what writes or reads it. Out: that file. Imports contracts, msgspec and the standard library.
"""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from contracts.errors import InvalidInput

Content = TypeVar("Content")

# What numpy, torch and msgspec raise on a file that was cut.
DAMAGES = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    msgspec.DecodeError,
)


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in its place: an interruption leaves the old one, or none."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_whole(path: Path, read: Callable[[BinaryIO], Content]) -> Content:
    """Return what `read` makes of a file that `write_whole` wrote.

    Raises `InvalidInput` that says what to do when the file was cut or damaged since.
    """
    try:
        with path.open("rb") as file:
            return read(file)
    except DAMAGES as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidInput(
            f"{path} is damaged ({reason}): remove it and give the command again, which writes it anew"
        ) from error
