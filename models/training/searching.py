"""Search settings of the student's last stage: what is tried next depends on how what was tried did.

In: a run whose earlier stages are done. Out: `search.db` (every trial, so that a search goes on, and several processes
may share it), `search.jsonl` (a line a trial, with all figures). Imports models.training; optuna and torch lazily.

Trials of other lengths or other heads are not to be compared: each such pair is a study of its own.

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

DATABASE, SEARCH_LEDGER = "search.db", "search.jsonl"

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
    """Hold one line of the ledger: what was tried, its figure, and all figures behind that one.

    `number` counts the trials of its `samples` and `heads` (none: all); a line from before they were kept has neither.
    """

    number: int
    settings: dict[str, float]
    macro_f1: float
    scores: Scores
    samples: int = 0
    heads: tuple[str, ...] = ()


class Search(msgspec.Struct, frozen=True):
    """Hold how long to search: trials in all, the samples of each (0: the config's), heads that count (none: all)."""

    trials: int
    samples: int = 0
    heads: tuple[str, ...] = ()


def search(run: Run, wanted: Search) -> Tried:
    """Try settings until `wanted.trials` of its samples and heads are done in the run's folder; return the best.

    The config's own are tried first, and again where that trial was killed. Raises `SettingsInvalid` when a head is not
    exported.
    """
    wanted = exact(run, wanted)
    study = open_study(run, wanted)
    enqueue_own(run, study)
    while (done := len(_finished(study))) < wanted.trials:
        # Sampling is a function of the trials so far, as far as nobody else tries at the same time.
        study.sampler = require_optuna().samplers.TPESampler(
            seed=run.config.seed + len(study.trials)
        )
        trial = study.ask()
        tried = _try_one(run, wanted, trial=trial)
        study.tell(trial, tried.macro_f1)
        with (run.folder / SEARCH_LEDGER).open("ab") as ledger:
            ledger.write(msgspec.json.encode(tried) + b"\n")
        log.info("tried", number=done + 1, of=wanted.trials, macro_f1=round(tried.macro_f1, 4))
    best = study.best_trial
    return Tried(best.number, best.params, best.value, {}, wanted.samples, wanted.heads)


def require_optuna() -> Any:
    """Return optuna. Raises `MissingExtra` where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise MissingExtra("the search needs optuna: pip install 'hubbub[torch]'") from error
    return optuna


def exact(run: Run, wanted: Search) -> Search:
    """Return what is wanted with its samples told and its heads in order, each once.

    Raises `SettingsInvalid` when a head is not exported.
    """
    unknown = set(wanted.heads) - set(run.config.exported)
    if unknown:
        known = ", ".join(run.config.exported)
        raise SettingsInvalid(f"no figure for the heads {sorted(unknown)}; there are {known}")
    samples = wanted.samples or run.config.student.fit.samples
    return Search(wanted.trials, samples, tuple(sorted(set(wanted.heads))))


def open_study(run: Run, wanted: Search) -> Any:
    """Return the study of such trials in the run's folder, begun where there is none."""
    optuna = require_optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=f"sqlite:///{run.folder.absolute() / DATABASE}",
        study_name=f"student, samples {wanted.samples}, heads {'+'.join(wanted.heads) or 'all'}",
        direction="maximize",
        load_if_exists=True,
    )


def enqueue_own(run: Run, study: Any) -> None:
    """Have the config's own settings tried next, unless a finished trial has them or they wait already."""
    own, waiting = _own_settings(run), require_optuna().trial.TrialState.WAITING
    is_tried = any(trial.params == own for trial in _finished(study))
    if not is_tried and all(trial.state != waiting for trial in study.trials):
        study.enqueue_trial(own)


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
    return Tried(trial.number, settings, figure, scores, wanted.samples, wanted.heads)


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
