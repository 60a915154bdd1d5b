"""The gate before every measurement: an arm by hand that does not say what the service says is not compared.

In: texts, the settings of the service. Out: `Passed`. The service's side is its own scorer, on the
engine of its settings.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from contracts.errors import ModelInvalid
from contracts.settings import Settings
from models.protocols import TextInput, TextScorer
from models.registry import build_text_scorer, locate_model, open_model, running_of

# A few labels in a hundred lie so near a boundary that float32 and int8 differ.
LEAST_AGREEMENT = 0.95
Labels = Mapping[str, str]


class Passed(NamedTuple):
    """Hold in how many labels each arm by hand agrees, and the service's model and engine."""

    agreement: dict[str, float]
    model: str
    engine: str


def gate(texts: Sequence[str], settings: Settings, *, has_pipelines: bool) -> Passed:
    """Let every arm by hand read `texts`. Raises ModelInvalid where one says something else."""
    from models.engines.peers import one_by_one, pipelines

    scorer = service_scorer(settings)
    scorer.start()
    told = [
        {head: score.label for head, score in scores.heads.items()}
        for scores in scorer.score_batch([TextInput(text=text) for text in texts])
    ]
    model, engine = f"{scorer.model_name} {scorer.model_version}", scorer.engine
    scorer.close()
    installed = open_model(locate_model("bundled"))
    peers = {"smart_loop": one_by_one(installed, threads=2)}
    if has_pipelines:
        peers["pipeline"] = pipelines(installed, list(installed.manifest.labels), threads=2)
    agreement = {
        name: agreeing(name, answer, texts=texts, told=told) for name, answer in peers.items()
    }
    return Passed(agreement, model, engine)


def service_scorer(settings: Settings) -> TextScorer:
    """Return what a score worker of these settings scores with, not started."""
    return build_text_scorer(
        settings.score.model,
        running=running_of(settings.score),
        home=Path(settings.models.home),
        hub=settings.models,
        heads=settings.score.heads,
    )


def agreeing(
    name: str, answer: Callable[[str], Labels], *, texts: Sequence[str], told: Sequence[Labels]
) -> float:
    """Return the share of labels of `answer` that are those `told` of the same texts.

    Raises ModelInvalid where they are too few.
    """
    same = [
        label == ours.get(head)
        for text, ours in zip(texts, told, strict=True)
        for head, label in answer(text).items()
    ]
    share = sum(same) / len(same) if same else 0.0
    if share < LEAST_AGREEMENT:
        raise ModelInvalid(
            f"{name} says what the service says in {share:.1%} of {len(same):,} labels, expected"
            f" {LEAST_AGREEMENT:.0%}: they do not run the same model, so their speed is not compared"
        )
    return round(share, 4)
