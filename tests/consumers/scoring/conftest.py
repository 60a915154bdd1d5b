"""What the tests of watches' queries share: the dictionary of Chinese, read once."""

import pytest

from consumers.scoring.chinese import Lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon.load()
