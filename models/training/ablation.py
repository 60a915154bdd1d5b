"""Fit the student again with one thing changed, over several seeds, and keep a ledger of how each did.

In: a finished run and a file of variants. Out: `ablations.jsonl` in the run's folder, a line for each variant and seed;
what is in it is not done again, and several processes may share the work. Imports models.training; torch lazily.

A variant changes keys of the student's last stage (`fit.soft_labels = 0`), for fewer samples than the real one. Judged
are the exported heads that it draws, and how near its vectors stay to the base encoder's.
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
from models.training.measuring import (
    Scores,
    development_likeness,
    development_rows,
    development_scores,
)
from models.training.pipeline import FIRST, WEIGHTS_FILE, Run, Stage, fit_encoder
from models.training.teaching import teaching_of

LEDGER = "ablations.jsonl"

log = structlog.get_logger()


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one variant: what it changes in the student's last stage, and whether it begins with the first stage.

    `samples` is the part of the shared samples that it takes.
    """

    name: str
    fit: dict[str, Any] = {}
    begins_with_first: bool = True
    samples: float = 1.0


class Variants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold the changes that all variants share, and the variants."""

    shared: dict[str, Any]
    variants: tuple[Variant, ...]


class Trial(msgspec.Struct, frozen=True):
    """Hold one line of the ledger; `likeness` is the mean cosine of embeddings to the first teacher's vectors."""

    variant: str
    seed: int
    scores: Scores
    likeness: float | None = None


def read_variants(path: Path, changes: Mapping[str, str] | None = None) -> Variants:
    """Read a file of variants; `changes` sets shared keys to TOML values.

    Raises `SettingsInvalid` that names file and key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        for key, value in (changes or {}).items():
            content.setdefault("shared", {})[key] = tomllib.loads(f"value = {value}")["value"]
        found = msgspec.convert(content, Variants)
        _check_fits(found)
        return found
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsInvalid(f"variants {path}: {error}") from error


def _check_fits(variants: Variants) -> None:
    """Raise `msgspec.ValidationError` where a key is none of a stage, or a value of another type."""
    stage = {"layers": 1, "samples": 1, "tokens_per_step": 1, "rate": 1.0}
    for variant in variants.variants:
        msgspec.convert(stage | dict(variants.shared) | variant.fit, FitConfig)


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
                trial = try_variant(run, variant, shared=variants.shared, seed=seed)
            except BaseException:
                # Whoever comes next may begin it again.
                mark.unlink()
                raise
            with (run.folder / LEDGER).open("ab") as ledger:
                ledger.write(msgspec.json.encode(trial) + b"\n")


def try_variant(run: Run, variant: Variant, *, shared: Mapping[str, Any], seed: int) -> Trial:
    """Return the development figures of one variant with one seed."""
    plain = msgspec.to_builtins(run.config.student.fit)
    fit = msgspec.convert(plain | dict(shared) | variant.fit, FitConfig)
    fit = msgspec.structs.replace(fit, samples=round(fit.samples * variant.samples))
    corpus, columns = load_corpus(run.folder / "corpus.npz")
    begin = run.folder / FIRST / WEIGHTS_FILE if variant.begins_with_first else None
    log.info("variant", name=variant.name, seed=seed)
    teachers = run.teachers() if fit.soft_labels > 0 else ()
    teaching = teaching_of(run.folder, run.config, teachers=teachers)
    model = fit_encoder(run, Stage(fit, 1000 + seed, begin=begin), teaching=teaching)
    judged = [head for head in run.config.exported if not fit.heads or head in fit.heads]
    rows = development_rows(corpus, columns, heads=judged)
    scores = development_scores(model, corpus, columns=columns, rows=rows)
    likeness = None
    if teaching.vectors is not None:
        likeness = development_likeness(model, corpus, vectors=teaching.vectors, rows=rows)
    return Trial(variant.name, seed, scores, likeness)
