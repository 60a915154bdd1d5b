"""The measures of a window: their names, and their values from a tally.

In: a `Tally`. Out: a float, as it also is when read back, None where there is nothing to divide by. Pure.

    volume            mentions                              reach             sum of the authors' followers
    voices            independent voices                    sources           distinct sources
    negative_share    of what the head sentiment answered   valence           mean, -1 to 1
    emotion:LABEL     share of what the head emotion answered
    harm_share        offensive or hate, of what the head harm answered
    abstained_share   mentions that the head sentiment did not answer
"""

from collections.abc import Callable

from consumers.alerting.tallies import MILLI, Tally

HARM = ("offensive", "hate")
EMOTION = "emotion:"


def measured(tally: Tally, measure: str) -> float | None:
    """Return the value of a measure; raises KeyError for a name that is none."""
    if measure.startswith(EMOTION):
        return share(tally.count("emotion", measure.removeprefix(EMOTION)), tally.judged("emotion"))
    return _BY_NAME[measure](tally)


def share(hits: int, total: int) -> float | None:
    """Return hits out of a total, None where that is zero."""
    return hits / total if total else None


def _sentiment(label: str) -> Callable[[Tally], float | None]:
    return lambda tally: share(tally.count("sentiment", label), tally.judged("sentiment"))


_BY_NAME: dict[str, Callable[[Tally], float | None]] = {
    "volume": lambda tally: float(tally.mentions),
    "reach": lambda tally: float(tally.reach),
    "voices": lambda tally: float(tally.heard()),
    "sources": lambda tally: float(len(tally.sources)),
    "negative_share": _sentiment("negative"),
    "neutral_share": _sentiment("neutral"),
    "positive_share": _sentiment("positive"),
    "valence": lambda tally: tally.valence_milli / MILLI / tally.valued if tally.valued else None,
    "harm_share": lambda tally: share(tally.count("harm", *HARM), tally.judged("harm")),
    "abstained_share": lambda tally: share(
        tally.mentions - tally.judged("sentiment"), tally.mentions
    ),
}
NAMES = tuple(_BY_NAME)
