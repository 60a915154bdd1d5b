"""Tell what an ablation found, as Markdown.

In: the lines of a ledger. Out: a table for each head: a row a variant, a column a source, mean ± standard deviation
over seeds. Imports numpy, never torch.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np

from contracts.errors import InvalidInput
from models.training.ablation import LEDGER, Trial


def read_ledger(run: Path) -> list[Trial]:
    """Return what `ablate` wrote. Raises `InvalidInput` where it wrote nothing yet."""
    path = run / LEDGER
    if not path.exists():
        raise InvalidInput(f"{path} is missing: run `hubbub models ablate --run {run}` first")
    return [
        msgspec.json.decode(line, type=Trial) for line in path.read_bytes().splitlines() if line
    ]


def ablation_report(trials: Sequence[Trial]) -> str:
    """Return the tables; a cell is macro-F1 in percent and, after a stroke, the F1 of the source's rarest class.

    Variants stand in the ledger's order. A variant that a head was not drawn in is judged there all the same.
    """
    sources = sorted({source for trial in trials for source in trial.scores})
    parts = []
    for head in dict.fromkeys(source.split("/")[0] for source in sources):
        mine = [source for source in sources if source.startswith(f"{head}/")]
        parts.append("\n".join([f"## {head}", "", *_table(trials, mine)]))
    note = "Macro-F1 / F1 of the rarest class, percent: mean ± standard deviation over seeds."
    return "\n\n".join([note, *parts]) + "\n"


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
