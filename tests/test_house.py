"""The house keeps its own rules: sizes, names, empty packages, what is shipped and what is pinned.

What ruff, mypy and import-linter check is not checked again here.
"""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SHIPPED: list[str] = [
    name
    for name in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    if (ROOT / name).exists()
]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

DRAWERS = {"utils", "common", "helpers", "misc", "types", "base", "manager"}
MODULE_LINES = 400
TEST_LINES = 600
FUNCTION_LINES = 50
# Imported by kafka-python, when a topic's records are compressed and when a checksum is counted.
# Its dictionary is read by consumers.scoring.chinese; its code is not run.
READ_AS_DATA = {"jieba"}
USED_BY_KAFKA = {"crc32c", "lz4", "zstandard"}
# The extra's import name where it is not the distribution's; needed where the extra is not installed.
DISTRIBUTION_OF = {"sklearn": "scikit-learn", "tensorrt_rtx": "tensorrt-rtx-cu13"}
# What takes a second or more to import has no place before the first word of `--help`.
HEAVY = {"torch", "onnxruntime", "transformers", "litestar"}


def modules() -> Iterator[Path]:
    """Yield every Python file that is shipped."""
    for name in SHIPPED:
        path = ROOT / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def suite() -> list[Path]:
    return sorted((ROOT / "tests").rglob("*.py"))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports_of(path: Path) -> set[str]:
    """Return the dotted names that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def requirements(*extras: str) -> list[Requirement]:
    """Return the requirements of the default install and of some extras."""
    project = PROJECT["project"]
    texts = list(project["dependencies"])
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


def test_no_file_outgrows_its_limit() -> None:
    limits = dict.fromkeys(modules(), MODULE_LINES) | dict.fromkeys(suite(), TEST_LINES)
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in limits}
    assert [f"{shown(p)}: {n}" for p, n in lines.items() if n > limits[p]] == []


def test_no_function_outgrows_fifty_lines() -> None:
    long = [
        f"{shown(path)}:{node.lineno} {node.name}: {size}"
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert long == []


def test_no_module_or_folder_is_a_drawer() -> None:
    names = {part for path in [*modules(), *suite()] for part in path.relative_to(ROOT).parts}
    assert {Path(name).stem for name in names} & DRAWERS == set()


def test_every_package_file_is_empty_and_there() -> None:
    folders = {path.parent for path in modules()} - {ROOT}
    wanted = [folder / "__init__.py" for folder in folders]
    assert [shown(path) for path in wanted if not path.exists()] == []
    assert [shown(path) for path in wanted if path.read_text(encoding="utf-8").strip()] == []


def test_the_import_rules_hold_back_every_name_of_an_engine_s_library() -> None:
    held: set[str] = set()
    for rule in PROJECT["tool"]["importlinter"]["contracts"]:
        if rule["type"] == "forbidden" and "models" in rule["source_modules"]:
            held |= set(rule["forbidden_modules"])
    assert {"torch", "onnx", "onnxruntime", "tensorrt", "tensorrt_rtx", "cuda"} - held == set()


def test_no_stage_imports_another() -> None:
    stages = {path.parent.name for path in (ROOT / "consumers").glob("*/stage.py")}
    crossed = [
        f"{shown(path)} imports {name}"
        for stage in stages
        for path in (ROOT / "consumers" / stage).rglob("*.py")
        for name in imports_of(path)
        if name.split(".")[0] == "consumers" and name.split(".")[1] in stages - {stage}
    ]
    assert stages
    assert crossed == []


def test_the_command_starts_without_heavy_libraries() -> None:
    script = f"import hubbub, sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel, offline, and return the names of the files in it."""
    if find_spec("hatchling") is None and not os.environ.get("CI"):
        pytest.skip("hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(path).namelist())


def test_the_wheel_carries_the_rooms_and_never_the_tests(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} <= set(SHIPPED)
    assert "tests" not in tops


def test_the_wheel_carries_every_module_and_its_data(wheel: set[str]) -> None:
    suffixes = {".py", ".toml", ".json", ".yaml", ".yml", ".md", ".html", ".txt"}
    suffixes |= {".onnx", ".npy", ".npz", ".tsv", ".gz"}
    wanted = {
        shown(path)
        for name in SHIPPED
        for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*"))
        if path.suffix in suffixes
    }
    assert wanted - wheel == set()


def test_every_requirement_is_pinned_to_one_version() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    loose = [
        str(r) for r in requirements(*extras) if not re.fullmatch(r"==[^*]+", str(r.specifier))
    ]
    assert loose == []


def test_the_lock_has_hashes_and_no_address() -> None:
    pins = re.split(r"(?m)^(?=[a-z0-9])", LOCK)[1:]
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    assert re.findall(r"://|--index|--extra-index|--find-links|--trusted-host| @ ", LOCK) == []


def test_the_lock_agrees_with_the_pins() -> None:
    locked = dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^\s;]+)", LOCK))
    wanted = {canonicalize_name(r.name): str(r.specifier)[2:] for r in requirements("kafka", "dev")}
    assert {name: version for name, version in wanted.items() if locked.get(name) != version} == {}


def imported_distributions() -> set[str]:
    """Return the distributions that shipped code imports."""
    ours = {Path(name).stem for name in SHIPPED}
    roots = {name.split(".")[0] for path in modules() for name in imports_of(path)}
    installed = importlib.metadata.packages_distributions()
    return {
        canonicalize_name(DISTRIBUTION_OF.get(root) or installed.get(root, [root])[0])
        for root in roots - ours - sys.stdlib_module_names
    }


def test_what_is_imported_is_declared() -> None:
    declared = {
        canonicalize_name(r.name) for r in requirements("kafka", "torch", "tensorrt", "plots")
    }
    assert imported_distributions() - declared == set()


def test_what_is_declared_is_imported() -> None:
    declared = {canonicalize_name(r.name) for r in requirements("kafka")}
    assert declared - imported_distributions() - USED_BY_KAFKA - READ_AS_DATA == set()


def test_every_target_of_make_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"(?m)^\.PHONY: (.*)$", makefile)
    helped = re.findall(r"(?m)^([a-z]+):.*## \S", makefile)
    assert sorted(phony.split()) == sorted(helped)
