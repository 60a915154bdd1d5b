"""Tell what an ablation found, as Markdown.

In: the lines of a ledger. Out: what each variant does to each head, beside one of them, pair by pair of equal seeds;
then a table for each head: a row a variant, a column a source, mean ± standard deviation over seeds. Trials with other
shared settings stand in a part of their own. Imports numpy, never torch.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from contracts.errors import InvalidInput
from models.training.ablation import LEDGER, MARKS, Trial, ledger_lines, unfinished

USUAL = "full"
COMPARED = """Mean macro-F1 of a head's sources; of the other variants its difference to `{against}` in points, ± the
standard error over pairs of equal seeds. Rarest: the F1 of each source's rarest class, the mean of all. Likeness: the
cosine to the base encoder's vectors, in percent."""
UNFINISHED = """Begun and without a line in the ledger, so that no table has them: {names}. Somebody is at work on them,
or they were killed: then remove `{folder}/NAME` in the run's folder, and they are begun again."""


def read_ledger(run: Path) -> list[Trial]:
    """Return what `ablate` wrote. Raises `InvalidInput` where it wrote nothing yet."""
    if trials := ledger_lines(run):
        return trials
    if begun := unfinished(run):
        told = UNFINISHED.format(names=", ".join(begun), folder=MARKS)
        raise InvalidInput(f"{run / LEDGER} holds nothing. {told}")
    raise InvalidInput(
        f"{run / LEDGER} holds nothing: run `hubbub models ablate --run {run}` first"
    )


def ablation_report(
    trials: Sequence[Trial], *, against: str = "", begun: Sequence[str] = ()
) -> str:
    """Return the tables; variants are compared with `against`, where it is empty with `full` or else the first one.

    Variants stand in the ledger's order; `begun` names what was begun and is in no line. Raises `InvalidInput`
    when the ledger holds no `against`.
    """
    if against and all(trial.variant != against for trial in trials):
        names = ", ".join(dict.fromkeys(trial.variant for trial in trials))
        raise InvalidInput(f"the ledger holds no variant {against!r}; there are {names}")
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(trial.settings, []).append(trial)
    parts = []
    for settings, alike in groups.items():
        if settings or len(groups) > 1:
            parts.append(f"# With {_settings_told(alike[0])}")
        parts += _parts(alike, against=against)
    if begun:
        parts.append(UNFINISHED.format(names=", ".join(begun), folder=MARKS))
    return "\n\n".join(parts) + "\n"


def _settings_told(trial: Trial) -> str:
    if not trial.settings:
        return "shared settings that the ledger does not tell"
    return ", ".join(f"{k} = {v}" for k, v in trial.shared.items()) or "the config's settings"


def _parts(trials: Sequence[Trial], *, against: str) -> list[str]:
    names = [trial.variant for trial in trials]
    against = next((one for one in (against, USUAL) if one in names), names[0])
    sources = sorted({source for trial in trials for source in trial.scores})
    parts = [
        COMPARED.format(against=against),
        "\n".join(_differences(trials, sources, against=against)),
        "Macro-F1 / F1 of the rarest class, percent: mean ± standard deviation over seeds.",
    ]
    for head in heads_of(sources):
        mine = [source for source in sources if source.startswith(f"{head}/")]
        parts.append("\n".join([f"## {head}", "", *_table(trials, mine)]))
    return parts


def heads_of(sources: Iterable[str]) -> list[str]:
    """Return the heads of sources such as `emotion/meld_text/dev.jsonl.gz`, each once."""
    return list(dict.fromkeys(source.split("/")[0] for source in sources))


def _differences(trials: Sequence[Trial], sources: Sequence[str], *, against: str) -> list[str]:
    heads = heads_of(sources)
    lines = [f"| variant | seeds | {' | '.join(heads)} | rarest | likeness |"]
    lines.append("|---" * (4 + len(heads)) + "|")
    for variant in dict.fromkeys(trial.variant for trial in trials):
        found = {trial.seed: trial for trial in trials if trial.variant == variant}
        usual = {trial.seed: trial for trial in trials if trial.variant == against}
        figures: list[Callable[[Trial], float | None]] = [partial(_of_head, one) for one in heads]
        cells = [
            _difference(found, {} if variant == against else usual, figure=figure)
            for figure in [*figures, _rarest, _likeness]
        ]
        lines.append(f"| {variant} | {len(found)} | {' | '.join(cells)} |")
    return lines


def _difference(
    found: Mapping[int, Trial],
    usual: Mapping[int, Trial],
    *,
    figure: Callable[[Trial], float | None],
) -> str:
    """Return the mean of a figure or, beside the usual ones, of its differences seed by seed."""
    mine = {seed: value for seed, trial in found.items() if (value := figure(trial)) is not None}
    if not usual:
        return f"{100 * np.mean(list(mine.values())):.1f}" if mine else "–"
    theirs = {seed: figure(trial) for seed, trial in usual.items()}
    both = [
        100 * (mine[s] - value) for s, value in theirs.items() if s in mine and value is not None
    ]
    if not both:
        return "–"
    mean = f"{np.mean(both):+.1f}"
    return mean if len(both) == 1 else f"{mean} ± {np.std(both, ddof=1) / np.sqrt(len(both)):.1f}"


def _of_head(head: str, trial: Trial) -> float | None:
    found = [one["macro_f1"] for key, one in trial.scores.items() if key.startswith(f"{head}/")]
    return float(np.mean(found)) if found else None


def _rarest(trial: Trial) -> float | None:
    return float(np.mean([one["rarest_f1"] for one in trial.scores.values()]))


def _likeness(trial: Trial) -> float | None:
    return trial.likeness


def _table(trials: Sequence[Trial], sources: Sequence[str]) -> list[str]:
    names = [source.split("/", 1)[1].removesuffix(".jsonl.gz") for source in sources]
    lines = [f"| variant | seeds | {' | '.join(names)} |", "|---" * (2 + len(names)) + "|"]
    for variant in dict.fromkeys(trial.variant for trial in trials):
        found = [trial.scores for trial in trials if trial.variant == variant]
        cells = [
            " / ".join(
                spread(scores[source][figure] for scores in found if source in scores)
                for figure in ("macro_f1", "rarest_f1")
            )
            for source in sources
        ]
        lines.append(f"| {variant} | {len(found)} | {' | '.join(cells)} |")
    return lines


def spread(values: Iterable[float]) -> str:
    """Return the mean and, of two values or more, the standard deviation of a sample, in percent.

    >>> spread([0.7, 0.72])
    '71.0 ± 1.4'
    >>> spread([0.7])
    '70.0'
    """
    percent = 100 * np.array(list(values))
    if not len(percent):
        return "–"
    mean = f"{percent.mean():.1f}"
    return mean if len(percent) == 1 else f"{mean} ± {percent.std(ddof=1):.1f}"
