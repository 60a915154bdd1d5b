"""Make a head from a user's file: read, encode, fit, store.

In: a file and options. Out: a stored head and what was left out of the file. Imports models.heads; scikit-learn only
when fitting.
"""

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import msgspec
import numpy as np

from contracts.errors import InvalidInput, ModelInvalid
from models.heads.encoding import EncodedTexts, Encoder
from models.heads.examples import Distinct, Examples, distinct, keys_of
from models.heads.fitting import FittedHead, Lesson, fit_head
from models.heads.joining import KEEP
from models.heads.linear import check_installed
from models.heads.manifest import FORMAT, HeadManifest, check_head_name
from models.heads.storage import StoredHead, known_names, read_head, write_head


class FitOptions(msgspec.Struct, frozen=True):
    """Hold how a head is fitted."""

    name: str
    folds: int = 5
    seed: int = 7
    keep: float = KEEP


class Taught(msgspec.Struct, frozen=True):
    """Hold a stored head and how the file's rows were used.

    `replaced` are the labels of the head of the same name that it took the place of, None where there was none.
    """

    stored: StoredHead
    distinct: Distinct
    empty: int
    strange: int
    replaced: tuple[str, ...] | None = None


def teach(
    examples: Examples,
    encoder: Encoder,
    *,
    options: FitOptions,
    home: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> Taught:
    """Fit and store the head `options.name`; `encoder` is started and closed by the caller.

    Raises `InvalidInput` for a name that is taken or where less than two labels are left, `MissingExtra` without
    scikit-learn.
    """
    check_head_name(options.name, taken=encoder.heads)
    check_installed()
    encoded = _encoded(encoder, examples, tell=tell)
    kept = distinct(keys_of(encoded.lines, examples.texts), examples.labels)
    labels = sorted(set(kept.labels))
    if len(labels) < 2:
        raise InvalidInput(
            f"only the label {labels[0]!r} is left once each text stands once: {kept.first_conflict}"
        )
    positions = {label: at for at, label in enumerate(labels)}
    strange = encoder.encode(examples.strange) if examples.strange else None
    lesson = Lesson(
        encoded.part(kept.positions),
        np.array([positions[label] for label in kept.labels], np.int64),
        labels,
        strange,
    )
    fitted = fit_head(lesson, folds=options.folds, seed=options.seed, keep=options.keep, tell=tell)
    manifest = _manifest(fitted, lesson, encoder=encoder, options=options, sha256=examples.sha256)
    replaced = _labels_of(home, options.name)
    stored = write_head(home, manifest, weights=fitted.weights)
    return Taught(
        stored, kept, empty=examples.empty, strange=len(examples.strange), replaced=replaced
    )


def _labels_of(home: Path, name: str) -> tuple[str, ...] | None:
    """Return the labels of the head that is there; one that cannot be read has none to speak of."""
    if name not in known_names(home):
        return None
    try:
        return read_head(home, name).manifest.labels
    except ModelInvalid:
        return ()


def _encoded(encoder: Encoder, examples: Examples, *, tell: Callable[[str], None]) -> EncodedTexts:
    total = len(examples.texts)
    return encoder.encode(
        examples.texts, tell=lambda done: tell(f"reading texts, {done:,} of {total:,}")
    )


def _manifest(
    fitted: FittedHead, lesson: Lesson, *, encoder: Encoder, options: FitOptions, sha256: str
) -> HeadManifest:
    return HeadManifest(
        format=FORMAT,
        name=options.name,
        labels=tuple(lesson.labels),
        languages=fitted.languages,
        model_name=encoder.model_name,
        model_version=encoder.model_version,
        width=int(lesson.texts.pooled.shape[1]),
        dense=fitted.factors.dense,
        sparse=fitted.factors.sparse,
        entropy_limit=fitted.entropy_limit,
        limit_rule=fitted.limit_rule,
        weights="",
        weights_sha256="",
        data_sha256=sha256,
        seed=options.seed,
        made_by=f"hubbub {metadata.version('hubbub')}",
        figures=fitted.figures,
        settings={
            "folds": options.folds,
            "keep": options.keep,
            "dense_strength": fitted.strengths.dense,
            "sparse_strength": fitted.strengths.sparse,
            "grams": len(fitted.weights.hashes),
            "out_of_scope": len(lesson.strange.lines) if lesson.strange else 0,
        },
    )
