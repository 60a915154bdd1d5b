"""What several tests of engines stand on."""

import os

import pytest

from contracts.errors import MissingExtra
from models.engines.tensorrt_library import Library, find_library


@pytest.fixture(scope="module")
def library() -> Library:
    try:
        return find_library()
    except MissingExtra as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
