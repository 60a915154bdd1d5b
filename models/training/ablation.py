"""Fit the student again with one thing changed, over several seeds, and keep a ledger of how each did.

In: a finished run and a file of variants. Out: `ablations.jsonl` in the run's folder, a line for each variant and seed;
what is in it is not done again, and several processes may share the work. Imports models.training; torch lazily.

A variant changes keys of the student's two stages (`fit.soft_labels = 0`), for fewer samples than the real one.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog

from contracts.errors import SettingsInvalid
from models.training.config import FitConfig
from models.training.corpus import load_corpus
from models.training.measuring import Scores, development_scores
from models.training.pipeline import FIRST, WEIGHTS_FILE, Run, Stage, fit_encoder
from models.training.teaching import teaching_of

LEDGER = "ablations.jsonl"

log = structlog.get_logger()


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one variant: what it changes in the student's last stage, and whether it begins with the first stage."""

    name: str
    fit: dict[str, Any] = {}
    begins_with_first: bool = True


class Variants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the changes that all variants share, and the variants."""

    shared: dict[str, Any]
    variants: tuple[Variant, ...]


class Trial(msgspec.Struct, frozen=True):
    """Hold one line of the ledger."""

    variant: str
    seed: int
    scores: Scores


def read_variants(path: Path) -> Variants:
    """Read a file of variants. Raises `SettingsInvalid` that names file and key."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Variants)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsInvalid(f"variants {path}: {error}") from error


def ablate(run: Run, variants: Variants, *, seeds: int) -> None:
    """Fit and measure every variant with every seed that nobody has begun yet.

    What was begun and killed stays begun until its mark in the folder `ablations` is removed.
    """
    for seed in range(seeds):
        for variant in variants.variants:
            mark = run.folder / "ablations" / f"{variant.name}-{seed}"
            mark.parent.mkdir(exist_ok=True)
            try:
                mark.touch(exist_ok=False)
            except FileExistsError:
                continue
            try:
                scores = try_variant(run, variant, shared=variants.shared, seed=seed)
            except BaseException:
                # Whoever comes next may begin it again.
                mark.unlink()
                raise
            with (run.folder / LEDGER).open("ab") as ledger:
                ledger.write(msgspec.json.encode(Trial(variant.name, seed, scores)) + b"\n")


def try_variant(run: Run, variant: Variant, *, shared: Mapping[str, Any], seed: int) -> Scores:
    """Return the development figures of one variant with one seed."""
    plain = msgspec.to_builtins(run.config.student.fit)
    fit = msgspec.convert(plain | dict(shared) | variant.fit, FitConfig)
    corpus, columns = load_corpus(run.folder / "corpus.npz")
    begin = run.folder / FIRST / WEIGHTS_FILE if variant.begins_with_first else None
    log.info("variant", name=variant.name, seed=seed)
    teachers = run.teachers() if fit.soft_labels > 0 else ()
    teaching = teaching_of(run.folder, run.config, teachers=teachers)
    model = fit_encoder(run, Stage(fit, 1000 + seed, begin=begin), teaching=teaching)
    return development_scores(model, corpus, columns=columns)
