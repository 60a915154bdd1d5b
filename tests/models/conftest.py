"""What tests of models may ask for: the bundled scorer, loaded once for the whole run."""

from collections.abc import Iterator

import pytest

from models.protocols import TextScorer
from models.registry import build_text_scorer


@pytest.fixture(scope="session")
def bundled() -> Iterator[TextScorer]:
    """Return the started bundled scorer; no test closes it."""
    scorer = build_text_scorer()
    scorer.start()
    yield scorer
    scorer.close()
