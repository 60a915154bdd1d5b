"""`hubbub alerts detect`: the score of every row of recorded series, by the detector that watches live volumes.

In: CSV files with the columns `timestamp,value`. Out: CSV files with the columns `timestamp,anomaly_score`.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from contracts.errors import InvalidInput, SourceInvalid

if TYPE_CHECKING:
    from models.bursts.series import Row

ENDINGS = (".csv", ".csv.gz")

Csv = Annotated[
    list[Path],
    typer.Option(
        help="A file with the columns timestamp,value, plain or gzip, or a folder of such; may be repeated."
    ),
]
Out = Annotated[
    Path, typer.Option(help="The file to write; a folder where there is more than one to read.")
]
StepS = Annotated[
    float | None,
    typer.Option(
        "--step-s",
        min=0.001,
        help="Rows are counts in steps of so many seconds, and steps without a row are zeros; without it the rows "
        "themselves tell the step, and whether they leave zeros out.",
    ),
]


def detect(*, csv: Csv, out: Out, step_s: StepS = None) -> None:
    """Score every row of a series between 0 and 1; 0.5 and above is a burst."""
    pairs = list(_pairs(csv, out))
    _check_apart(pairs)
    for source, target in pairs:
        _detect_file(source, target, step_s=step_s)


def _pairs(sources: list[Path], out: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each file to read, and where its scores go: a folder's files keep their places in it."""
    found = [(path, under) for source in sources for path, under in _files_of(source)]
    if not found:
        raise SourceInvalid(f"no .csv or .csv.gz in {', '.join(map(str, sources))}")
    if len(sources) == 1 and sources[0].is_file() and not out.is_dir():
        yield sources[0], out
        return
    targets = [out / under.with_name(under.name.removesuffix(".gz")) for _, under in found]
    for (path, _), target in zip(found, targets, strict=True):
        if targets.count(target) > 1:
            raise SourceInvalid(f"more than one of the files would write {target}; give folders")
        yield path, target


def _files_of(source: Path) -> list[tuple[Path, Path]]:
    if not source.is_dir():
        return [(source, Path(source.name))]
    paths = sorted(path for path in source.rglob("*") if path.name.endswith(ENDINGS))
    return [(path, path.relative_to(source)) for path in paths]


def _check_apart(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Raise InvalidInput, before anything is written, for scores that would take the place of a file to read."""
    sources = {source.resolve() for source, _ in pairs}
    for _, target in pairs:
        if target.resolve() in sources:
            raise InvalidInput(
                f"--out would write over {target}, which is to be read; name another place"
            )


def _detect_file(source: Path, target: Path, *, step_s: float | None) -> None:
    from models.bursts.series import score_rows

    rows = _rows_of(source)
    scores = score_rows(rows, step_s=step_s)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("timestamp", "anomaly_score"))
            writer.writerows(
                (row.timestamp, f"{score:.6f}") for row, score in zip(rows, scores, strict=True)
            )
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error}") from error
    typer.echo(f"{target}: {len(rows):,} rows")


def _rows_of(source: Path) -> "list[Row]":
    from models.bursts.series import read_rows

    try:
        with _opened(source) as lines:
            return read_rows(lines, name=str(source))
    except csv.Error as error:
        raise SourceInvalid(
            f"{source} cannot be read: {error}; is there a quote that nothing closes?"
        ) from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise SourceInvalid(f"{source} cannot be read: {error}") from error


def _opened(source: Path) -> TextIO:
    if source.suffix == ".gz":
        return gzip.open(source, "rt", encoding="utf-8", newline="")
    return source.open(encoding="utf-8", newline="")
