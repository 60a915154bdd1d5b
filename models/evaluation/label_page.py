"""Write the page that says which names of public data sets stand for which labels of ours.

In: the tables of `label_names`. Out: Markdown. Pure; imports models.evaluation.label_names. `LABELS.md` beside this
file is its output, which a test compares: `python -m models.evaluation.label_page` prints it.
"""

import sys
from collections.abc import Iterator, Mapping

from models.evaluation.label_names import HEAD_OF_TASK, NAMES, TOGETHER

HEAD = """# Labels of other data sets

Made by `python -m models.evaluation.label_page` from `label_names.py`.

`hubbub models evaluate TASK --data FILE` chooses among the labels that the file has. A label of the file stands for

1. what `--map THEIRS=OURS` says (`OURS+OURS` where any may be meant, `THEIRS=` to leave it out);
2. else the head's label of the same name: case, spaces and signs do not count (`Not-Hate` is `not_hate`);
3. else, by the tables below, every label of the head whose meaning lies within its own. So a head with other names than
   ours, a model of the hub's for one, is judged too: `happy` finds its `joy`, `love` and `amusement`.

Where a label stands for several of the head's, their probabilities are added; every class's sum over the sum of all is
its share, and the class with the largest share is the guess.

- A label gives up what another label of the file names or means alone: `offensive` is offensive or hate, but offensive
  alone in a file that has `hate` too. What two still share counts for neither.
- Labels that mean the same are one class: `finance`, `realty` and `stocks`.
- Rows are left out and counted where nothing stands for their label, where nothing is left that tells it apart, where
  it says too little, or where they have several labels (GoEmotions is judged on its rows with one).
- `oos`, `ood`, `out_of_scope` and `out_of_domain` are no class unless the head has it: there the head should abstain.

TASK decides the table; where it is no task below, the name of the head does. The tasks {aliases} are
answered by the head harm.
"""


def label_page() -> str:
    """Return the whole page."""
    aliases = " and ".join(f"`{task}`" for task in HEAD_OF_TASK)
    return HEAD.replace("{aliases}", aliases) + "".join(
        "\n" + "\n".join(_section(task)) + "\n" for task in (*NAMES, *HEAD_OF_TASK)
    )


def _section(task: str) -> Iterator[str]:
    yield f"## {task}\n"
    yield from (["| ours | theirs |", "|---|---|"] if task in NAMES else _alias(task))
    for ours, words in NAMES.get(task, {}).items():
        yield f"| {_ours(ours) or 'left out: says too little'} | {_listed(words.split())} |"
    together = TOGETHER.get(task, ())
    if together:
        yield "\nA file with no other labels than these:\n"
        yield "| the file has | ours |\n|---|---|"
    for each in together:
        yield f"| {each.what} | {_pairs(each.names)} |"


def _alias(task: str) -> Iterator[str]:
    yield f"The names of {HEAD_OF_TASK[task]}."


def _ours(ours: str) -> str:
    return " or ".join(f"`{label}`" for label in ours.split("+") if label)


def _pairs(names: Mapping[str, str]) -> str:
    by_ours: dict[str, list[str]] = {}
    for theirs, ours in names.items():
        by_ours.setdefault(ours, []).append(theirs)
    return "; ".join(f"{_listed(theirs)}: {_ours(ours)}" for ours, theirs in by_ours.items())


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.stdout.write(label_page())
