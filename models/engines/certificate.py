"""Judge whether an engine gives the reference's answers, and say what a certificate lacks.

In: scores of the same texts by two engines. Out: a `Parity`, and of a `Certificate` the reasons why an engine may not
be used. Pure; imports contracts, msgspec, numpy, models.protocols and models.evaluation.figures.

    agreement of a head = texts with the same label / texts                                        at least 99.5 %
    F1 change of a head = macro-F1 of the engine - macro-F1 of the reference, on labelled texts    at most 0.5 point

The change is judged where texts have labels of the head; of which heads it was not, a certificate says in words.

Two outputs that no label shows are held to limits of their own: the cosine of the two vectors of a text (0.99, the
worst of all texts) and the share of texts whose strongest emotion span is the same (97 %).

    >>> head = HeadParity(agreement=0.991, largest_difference=0.02)
    >>> parity = Parity(texts=1000, heads={"emotion": head}, least_cosine=0.9996, spans=1.0)
    >>> objections(parity)
    ('emotion agrees in 99.10 % of 1,000 texts, expected 99.5 % at least',)
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
import numpy as np

from contracts.errors import InvalidInput
from models.evaluation.figures import macro_f1
from models.protocols import TextScores

LEAST_AGREEMENT = 0.995
MOST_F1_CHANGE = 0.005
LEAST_COSINE = 0.99
LEAST_SPANS = 0.97
# Fewer texts could not tell 99.5 % from 99.
LEAST_TEXTS = 400
DIGITS = 6


class HeadParity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Hold how one head agrees: the share of equal labels, and the largest difference of a probability.

    The macro-F1 of both engines, 0...1, is of the `labelled` texts that had a label; None where none had.
    """

    agreement: float
    largest_difference: float
    labelled: int = 0
    reference_f1: float | None = None
    engine_f1: float | None = None


class Parity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a comparison of two engines over `texts` texts."""

    texts: int
    heads: dict[str, HeadParity]
    least_cosine: float
    spans: float


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what was compared: the plan by its hash on one GPU, and the reference.

    `versions` names what took part: TensorRT, driver, Hubbub. `data` names the texts, `not_judged` the heads without
    labels, as `unjudged` words it.
    """

    plan: str
    plan_sha256: str
    gpu: str
    reference: str
    data: str
    parity: Parity
    made_at: datetime
    versions: dict[str, str]
    not_judged: str


def compare(
    reference: Sequence[TextScores],
    engine: Sequence[TextScores],
    *,
    truth: Mapping[str, Sequence[str | None]] | None = None,
) -> Parity:
    """Return how far two engines agree over the same texts, in the same order.

    `truth[head]` are the texts' labels, None where one has none. Raises `InvalidInput` without texts, or where both
    sides differ in number or heads.
    """
    if not reference or len(reference) != len(engine):
        raise InvalidInput(
            f"{len(reference)} and {len(engine)} scores cannot be compared: expected as many, at least one"
        )
    heads = {
        head: _head_parity(head, reference, engine=engine, truth=(truth or {}).get(head))
        for head in reference[0].heads
    }
    return Parity(
        len(reference), heads, _least_cosine(reference, engine), _same_spans(reference, engine)
    )


def objections(parity: Parity) -> tuple[str, ...]:
    """Return in words what speaks against using the engine; empty where it may be used."""
    return tuple(_objections(parity))


def unjudged(parity: Parity) -> str:
    """Return in words of which heads macro-F1 was not judged, for want of labels; empty where it was of all.

    >>> unjudged(Parity(400, {"irony": HeadParity(1.0, 0.0)}, 1.0, 1.0))
    'macro-F1 was not judged of irony: no text had a label of it'
    """
    heads = ", ".join(head for head, found in parity.heads.items() if not found.labelled)
    return f"macro-F1 was not judged of {heads}: no text had a label of it" if heads else ""


def _objections(parity: Parity) -> Iterator[str]:
    if parity.texts < LEAST_TEXTS:
        yield f"{parity.texts:,} texts were compared, expected {LEAST_TEXTS} at least"
    for head, found in parity.heads.items():
        if not found.agreement >= LEAST_AGREEMENT:
            yield (
                f"{head} agrees in {100 * found.agreement:.2f} % of {parity.texts:,} texts,"
                f" expected {100 * LEAST_AGREEMENT:.1f} % at least"
            )
        yield from _f1_objection(head, found)
    if not parity.least_cosine >= LEAST_COSINE:
        yield f"a vector has the cosine {parity.least_cosine:.4f} to the reference's, expected {LEAST_COSINE} at least"
    if not parity.spans >= LEAST_SPANS:
        yield (
            f"the strongest emotion span is the same in {100 * parity.spans:.2f} % of the texts that have one,"
            f" expected {100 * LEAST_SPANS:.0f} % at least"
        )


def _f1_objection(head: str, found: HeadParity) -> Iterator[str]:
    ours, theirs = found.engine_f1, found.reference_f1
    if ours is None or theirs is None:
        return
    if not abs(round(ours - theirs, DIGITS)) <= MOST_F1_CHANGE:
        yield (
            f"{head} has a macro-F1 of {100 * ours:.2f} where the reference has {100 * theirs:.2f}"
            f" on {found.labelled:,} texts, expected {100 * MOST_F1_CHANGE:.1f} point of change at most"
        )


def misfits(certificate: Certificate, *, plan: str, plan_sha256: str, gpu: str) -> tuple[str, ...]:
    """Return in words why the certificate is not for this plan on this GPU, and its own objections."""
    found = []
    if (certificate.plan, certificate.plan_sha256) != (plan, plan_sha256):
        found.append(
            f"it is for the plan {certificate.plan} of sha256 {certificate.plan_sha256[:16]},"
            f" this is {plan} of {plan_sha256[:16]}"
        )
    if certificate.gpu != gpu:
        found.append(f"it was made on {certificate.gpu}, this is {gpu}")
    return (*found, *objections(certificate.parity))


def _head_parity(
    head: str,
    reference: Sequence[TextScores],
    *,
    engine: Sequence[TextScores],
    truth: Sequence[str | None] | None,
) -> HeadParity:
    try:
        pairs = [(a.heads[head], b.heads[head]) for a, b in zip(reference, engine, strict=True)]
    except KeyError as error:
        raise InvalidInput(f"an engine gave no answer of the head {head}") from error
    differences = (
        abs(chance - (b.probabilities or {}).get(label, 0.0))
        for a, b in pairs
        for label, chance in (a.probabilities or {}).items()
    )
    difference = max(differences, default=0.0)
    agreement = round(float(np.mean([a.label == b.label for a, b in pairs])), DIGITS)
    labelled = [
        (label, a.label, b.label)
        for label, (a, b) in zip(truth or (), pairs, strict=bool(truth))
        if label is not None
    ]
    if not labelled:
        return HeadParity(agreement, round(difference, DIGITS))
    names = sorted({name for row in labelled for name in row})
    true, ours, theirs = np.array([[names.index(name) for name in row] for row in labelled]).T
    f1 = [round(macro_f1(true, guessed), DIGITS) for guessed in (ours, theirs)]
    return HeadParity(agreement, round(difference, DIGITS), len(labelled), f1[0], f1[1])


def _least_cosine(reference: Sequence[TextScores], engine: Sequence[TextScores]) -> float:
    """Return the worst cosine of two vectors of a text; 1 where no text has one, -1 where one side alone has."""
    worst = 1.0
    for a, b in zip(reference, engine, strict=True):
        if len(a.vector) != len(b.vector):
            return -1.0
        if a.vector:
            x, y = (np.frombuffer(of.vector, np.int8).astype(np.float64) for of in (a, b))
            length = float(np.linalg.norm(x) * np.linalg.norm(y))
            worst = min(worst, float(x @ y) / length if length else -1.0)
    return round(worst, DIGITS)


def _same_spans(reference: Sequence[TextScores], engine: Sequence[TextScores]) -> float:
    """Return the share of texts with the same strongest span, among those where either side has one; 1 for none."""
    firsts = [
        tuple((one.start, one.end) for one in score.emotion_spans[:1])
        for side in (reference, engine)
        for score in side
    ]
    pairs = [
        (a, b)
        for a, b in zip(firsts[: len(reference)], firsts[len(reference) :], strict=True)
        if a or b
    ]
    return round(float(np.mean([a == b for a, b in pairs])), DIGITS) if pairs else 1.0
