"""The score stage with the identity model, on a real table of watches.

In: settings. Out: the stage as `hubbub score` builds it.
"""

from consumers.cli.score import build_stage
from consumers.runtime.topics import check_topics
from consumers.scoring.stage import ScoreStage
from contracts.settings import Settings
from contracts.topics import TABLE


def score_stage(settings: Settings) -> ScoreStage:
    """Return the stage, not started."""
    stage = build_stage(settings, check_topics(settings, TABLE))
    assert isinstance(stage, ScoreStage)
    return stage
