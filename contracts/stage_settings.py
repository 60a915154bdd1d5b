"""Settings of the stages: what scores, what alerts.

In: nothing. Out: frozen parts of the settings. Imports pydantic and contracts.setting_parts alone.
"""

from typing import Any, Literal

from contracts.setting_parts import KAFKA_NAME, Lanes, Names, Part, setting

EngineChoice = Literal["auto", "ort", "pytorch", "tensorrt"]
BLOCK_S = 600  # alerts keep longer windows in blocks of whole steps


def _group(name: str) -> Any:
    return setting(
        name,
        "Consumer group, changelog and transactional id are named by it.",
        max_length=100,
        pattern=KAFKA_NAME,
    )


class ScoreSettings(Part):
    """Say what the score stage does."""

    group: str = _group("score")
    lanes: Lanes = setting(("text", "media"), "Inputs that it reads, comma-separated.")
    model: str = setting(
        "bundled",
        "Which model: bundled, identity, a folder, or hub: and a hub model.",
        min_length=1,
    )
    heads: Names = setting(
        (), "Further heads: names of your own and of hub models, comma-separated."
    )
    only_matching: bool = setting(
        False, "Score only what a watch may want; the rest is a counted drop."
    )
    engine: EngineChoice = setting(
        "auto", "What runs the model: auto (a GPU's where there is one), ort, pytorch, tensorrt."
    )
    batch_tokens: int = setting(
        0, "Most tokens in one forward pass; 0 for what the engine reads fastest.", ge=0
    )
    cache_texts: int = setting(
        8192,
        "Texts whose answers are remembered, 5 kB each, 8 with heads of your own; 0 remembers none.",
        ge=0,
        le=10_000_000,
    )
    record_bytes: int = setting(1 << 20, "Largest event; a larger one is a dead letter.", ge=1024)


class AlertSettings(Part):
    """Say what the alert stage does."""

    group: str = _group("alert")
    step_s: int = setting(
        60,
        "Length of a step of the detectors; a multiple of runtime.pane_s that divides ten minutes.",
        ge=1,
    )
    groups: int = setting(
        64,
        "Most topics of one watch that are followed apart, the first met; others count in the total.",
        ge=1,
    )
    exported_watches: int = setting(
        200, "Most watches that have gauges of their own; the rest have none.", ge=0
    )
