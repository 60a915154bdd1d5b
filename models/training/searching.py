"""Search settings of the student's last stage: what is tried next depends on how what was tried did.

In: a run whose earlier stages are done. Out: `search.db` (every trial, so that a search goes on, and several processes
may share it), `search.jsonl` (a line a trial, with all figures). Imports models.training; optuna and torch lazily.

Reference: Bergstra et al., Algorithms for Hyper-Parameter Optimization, 2011 (tree-structured Parzen estimators).
"""

from typing import Any, Literal

import msgspec
import structlog

from contracts.errors import MissingExtra, SettingsInvalid
from models.training.config import FitConfig
from models.training.corpus import load_corpus
from models.training.measuring import Scores, development_scores, mean_macro_f1
from models.training.pipeline import FIRST, WEIGHTS_FILE, Run, Stage, fit_encoder
from models.training.teaching import teaching_of

DATABASE, SEARCH_LEDGER, STUDY = "search.db", "search.jsonl", "student"

log = structlog.get_logger()


class Range(msgspec.Struct, frozen=True):
    """Hold between what a setting is tried, and on which scale."""

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"


SPACE = {
    "rate": Range(5e-5, 1e-3, "log"),
    "layer_decay": Range(0.7, 1.0),
    "dropout": Range(0.0, 0.2),
    "labels": Range(0.2, 1.5),
    "soft_labels": Range(0.0, 5.0),
    "unlabelled_share": Range(0.0, 0.6),
    "class_power": Range(0.0, 1.0),
    "augmented": Range(0.0, 1.0),
}


class Tried(msgspec.Struct, frozen=True):
    """Hold one line of the ledger: what was tried, its figure, and all figures behind that one."""

    number: int
    settings: dict[str, float]
    macro_f1: float
    scores: Scores


class Search(msgspec.Struct, frozen=True):
    """Hold how long to search: trials in all, the samples of each (0: the config's), heads that count (none: all)."""

    trials: int
    samples: int = 0
    heads: tuple[str, ...] = ()


def search(run: Run, wanted: Search) -> Tried:
    """Try settings until `wanted.trials` are done in the run's folder, and return the best of all.

    The first trial is the config's own. Raises `SettingsInvalid` when a head is not exported.
    """
    optuna = require_optuna()
    unknown = set(wanted.heads) - set(run.config.exported)
    if unknown:
        known = ", ".join(run.config.exported)
        raise SettingsInvalid(f"no figure for the heads {sorted(unknown)}; there are {known}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{run.folder.absolute() / DATABASE}",
        study_name=STUDY,
        direction="maximize",
        load_if_exists=True,
    )
    if not study.trials:
        study.enqueue_trial(_own_settings(run))
    while (done := len(_finished(study))) < wanted.trials:
        # Sampling is a function of the trials so far, as far as nobody else tries at the same time.
        study.sampler = optuna.samplers.TPESampler(seed=run.config.seed + len(study.trials))
        trial = study.ask()
        tried = _try_one(run, wanted, trial=trial)
        study.tell(trial, tried.macro_f1)
        with (run.folder / SEARCH_LEDGER).open("ab") as ledger:
            ledger.write(msgspec.json.encode(tried) + b"\n")
        log.info("tried", number=done + 1, of=wanted.trials, macro_f1=round(tried.macro_f1, 4))
    best = study.best_trial
    return Tried(best.number, best.params, best.value, {})


def require_optuna() -> Any:
    """Return optuna. Raises `MissingExtra` where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise MissingExtra("the search needs optuna: pip install 'hubbub[torch]'") from error
    return optuna


def searched_space(run: Run) -> dict[str, Range]:
    """Return what is searched in this run: without teachers, no weight of their answers."""
    return {name: one for name, one in SPACE.items() if run.teachers() or name != "soft_labels"}


def _own_settings(run: Run) -> dict[str, float]:
    own = msgspec.to_builtins(run.config.student.fit)
    return {
        name: min(one.high, max(one.low, own[name])) for name, one in searched_space(run).items()
    }


def _finished(study: Any) -> list[Any]:
    return [trial for trial in study.trials if trial.state.is_finished()]


def _try_one(run: Run, wanted: Search, *, trial: Any) -> Tried:
    settings = {
        name: trial.suggest_float(name, one.low, one.high, log=one.scale == "log")
        for name, one in searched_space(run).items()
    }
    scores = scores_of(run, settings, wanted=wanted)
    figure = mean_macro_f1(scores, wanted.heads or run.config.exported)
    return Tried(trial.number, settings, figure, scores)


def scores_of(run: Run, settings: dict[str, float], *, wanted: Search) -> Scores:
    """Return the development figures of the student's last stage with `settings`."""
    plain = msgspec.to_builtins(run.config.student.fit) | settings
    if wanted.samples:
        plain["samples"] = wanted.samples
    if wanted.heads:
        plain["heads"] = wanted.heads
    fit = msgspec.convert(plain, FitConfig)
    corpus, columns = load_corpus(run.folder / "corpus.npz")
    teaching = teaching_of(run.folder, run.config, teachers=run.teachers())
    stage = Stage(fit, run.config.seed, begin=run.folder / FIRST / WEIGHTS_FILE)
    model = fit_encoder(run, stage, teaching=teaching)
    return development_scores(model, corpus, columns=columns)
