"""What several tests of engines stand on."""

import pytest

from contracts.errors import MissingExtra
from models.engines.tensorrt_library import Library, find_library


@pytest.fixture(scope="module")
def library() -> Library:
    try:
        return find_library()
    except MissingExtra as error:
        pytest.skip(str(error))
