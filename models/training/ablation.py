"""Fit the student again with one thing changed, over several seeds, and keep a ledger of how each did.

In: a finished run and a file of variants. Out: `ablations.jsonl` in the run's folder, a line for each variant and seed
with the settings behind it; what is in it is not done again, and several processes may share the work. Imports
models.training; torch lazily.

A variant changes keys of the student's last stage (`fit.soft_labels = 0`), for fewer samples than the real one. Judged
are the exported heads that it draws, and how near its vectors stay to the base encoder's. Other shared settings make
other trials, which no report mixes.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import structlog

from contracts.errors import SettingsInvalid
from models.training.checking import check_fit
from models.training.config import FitConfig
from models.training.corpus import load_corpus
from models.training.measuring import (
    Scores,
    development_likeness,
    development_rows,
    development_scores,
)
from models.training.pipeline import (
    FIRST,
    WEIGHTS_FILE,
    Run,
    Stage,
    fit_encoder,
    require_prepared,
)
from models.training.preparing import base_layers
from models.training.teaching import teaching_of

LEDGER, MARKS = "ablations.jsonl", "ablations"
SHIPPED = "encoder.variants.toml"

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
    """Hold one line of the ledger; `likeness` is the mean cosine of embeddings to the first teacher's vectors.

    `shared` holds the settings that all variants shared, `settings` their digest and `changed` what the variant is;
    a line from before they were kept has none of them.
    """

    variant: str
    seed: int
    scores: Scores
    likeness: float | None = None
    settings: str = ""
    shared: dict[str, Any] = {}
    changed: Variant | None = None


def shipped_variants() -> Path:
    """Return the file of the variants that ship."""
    return Path(str(resources.files("models.training"))) / SHIPPED


def read_variants(path: Path, changes: Mapping[str, str] | None = None) -> Variants:
    """Read a file of variants; `changes` sets shared keys to TOML values.

    Raises `SettingsInvalid` that names file and key.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        for key, value in (changes or {}).items():
            content.setdefault("shared", {})[key] = tomllib.loads(f"value = {value}")["value"]
        found = msgspec.convert(content, Variants)
        _check_names([variant.name for variant in found.variants])
        _check_fits(found)
        return found
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsInvalid(f"variants {path}: {error}") from error


def _check_names(names: list[str]) -> None:
    """Raise `msgspec.ValidationError` where two variants have one name, or one cannot be a file's."""
    for at, name in enumerate(names):
        if name in names[:at]:
            raise msgspec.ValidationError(f"two variants are called {name!r}; expected one of each")
        if not re.fullmatch(r"[\w.-]+", name):
            raise msgspec.ValidationError(
                f"a variant is called {name!r}; expected letters, digits, `-`, `_` and `.`"
            )


def _check_fits(variants: Variants) -> None:
    """Raise `msgspec.ValidationError` where a key is none of a stage, or a value of another type."""
    stage = {"layers": 1, "samples": 1, "tokens_per_step": 1, "rate": 1.0}
    for variant in variants.variants:
        msgspec.convert(stage | dict(variants.shared) | variant.fit, FitConfig)


def ablate(run: Run, variants: Variants, *, seeds: int) -> None:
    """Fit and measure every variant with every seed that nobody has begun yet.

    What was begun and killed stays begun until its mark in the folder `ablations` is removed. Raises `SettingsInvalid`
    before anything is fitted where a variant cannot be, or where the ledger knows another variant of its name.
    """
    check_variants(run, variants)
    settings = digest_of(shared_values(run, variants.shared))
    for seed in range(seeds):
        for variant in variants.variants:
            mark = run.folder / MARKS / mark_name(variant.name, seed, settings=settings)
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


def check_variants(run: Run, variants: Variants) -> None:
    """Raise `SettingsInvalid` where a variant cannot be fitted or judged, or the ledger has another of its name."""
    require_prepared(run)
    layers, settings = base_layers(run.folder), digest_of(shared_values(run, variants.shared))
    known = {
        one.variant: one.changed for one in ledger_lines(run.folder) if one.settings == settings
    }
    for variant in variants.variants:
        fit = fit_of(run, variant, shared=variants.shared)
        try:
            check_fit(run.config, fit, base_layers=layers)
        except SettingsInvalid as error:
            raise SettingsInvalid(f"variant {variant.name}: {error}") from error
        if not judged_heads(run, fit):
            raise SettingsInvalid(
                f"variant {variant.name}: fit.heads is {list(fit.heads)}, of which none is judged; "
                f"expected some of {', '.join(run.config.exported)}"
            )
        if known.get(variant.name, variant) != variant:
            raise SettingsInvalid(
                f"variant {variant.name} is {variant}, and {known[variant.name]} in {run.folder / LEDGER}; "
                "expected another name for what is another variant"
            )


def fit_of(run: Run, variant: Variant, *, shared: Mapping[str, Any]) -> FitConfig:
    """Return the stage that a variant is."""
    plain = msgspec.to_builtins(run.config.student.fit)
    fit = msgspec.convert(plain | dict(shared) | variant.fit, FitConfig)
    return msgspec.structs.replace(fit, samples=round(fit.samples * variant.samples))


def judged_heads(run: Run, fit: FitConfig) -> list[str]:
    """Return the exported heads that a stage draws."""
    return [head for head in run.config.exported if not fit.heads or head in fit.heads]


def shared_values(run: Run, shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return shared settings as a stage holds them, in order of their names: 1 is 1.0 where a number may have parts."""
    fit = msgspec.to_builtins(fit_of(run, Variant("shared"), shared=shared))
    return {key: fit[key] for key in sorted(shared)}


def digest_of(shared: Mapping[str, Any]) -> str:
    """Return eight hex digits of SHA-256 over settings in order."""
    return hashlib.sha256(msgspec.json.encode(list(shared.items()))).hexdigest()[:8]


def mark_name(variant: str, seed: int, *, settings: str) -> str:
    """Return the name of the file that says that a variant and seed are begun.

    >>> mark_name("full", 0, settings="1f2e3d4c"), mark_name("full", 0, settings="")
    ('full-0-1f2e3d4c', 'full-0')
    """
    return "-".join([variant, str(seed), *([settings] if settings else [])])


def ledger_lines(folder: Path) -> list[Trial]:
    """Return what `ablate` wrote in a run's folder."""
    path = folder / LEDGER
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [msgspec.json.decode(line, type=Trial) for line in lines if line]


def unfinished(folder: Path) -> list[str]:
    """Return the marks in a run's folder of what has no line: it was killed, or somebody is at work on it."""
    done = {mark_name(one.variant, one.seed, settings=one.settings) for one in ledger_lines(folder)}
    marks = (folder / MARKS).iterdir() if (folder / MARKS).is_dir() else ()
    return sorted(mark.name for mark in marks if mark.name not in done)


def try_variant(run: Run, variant: Variant, *, shared: Mapping[str, Any], seed: int) -> Trial:
    """Return the development figures of one variant with one seed."""
    fit = fit_of(run, variant, shared=shared)
    corpus, columns = load_corpus(run.folder / "corpus.npz")
    begin = run.folder / FIRST / WEIGHTS_FILE if variant.begins_with_first else None
    log.info("variant", name=variant.name, seed=seed)
    teachers = run.teachers() if fit.soft_labels > 0 else ()
    teaching = teaching_of(run.folder, run.config, teachers=teachers)
    model = fit_encoder(run, Stage(fit, 1000 + seed, begin=begin), teaching=teaching)
    rows = development_rows(corpus, columns, heads=judged_heads(run, fit))
    scores = development_scores(model, corpus, columns=columns, rows=rows)
    likeness = None
    if teaching.vectors is not None:
        likeness = development_likeness(model, corpus, vectors=teaching.vectors, rows=rows)
    values = shared_values(run, shared)
    return Trial(variant.name, seed, scores, likeness, digest_of(values), values, variant)
