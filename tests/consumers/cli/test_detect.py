"""`detect`: CSV in, scores out, row by row."""

import gzip
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from consumers.cli.detect import detect
from contracts.errors import InvalidInput, SourceInvalid

ROWS = [f"2026-11-27 {step // 12:02}:{step % 12 * 5:02}:00,{3 + step % 2}" for step in range(200)]
SERIES = "\n".join(["timestamp,value", *ROWS, "2026-11-27 16:40:00,90"]) + "\n"


def run(*words: str | Path) -> Result:
    app = typer.Typer()
    app.command()(detect)
    result = CliRunner().invoke(app, list(map(str, words)))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_series_becomes_a_file_of_scores_in_the_same_order(tmp_path: Path) -> None:
    # Given a series that ends in a spike
    (tmp_path / "posts.csv").write_text(SERIES)
    # When it is scored
    done = run("--csv", tmp_path / "posts.csv", "--out", tmp_path / "scores.csv")
    # Then each row has a score, and the last is a burst
    header, *rows = (tmp_path / "scores.csv").read_text().splitlines()
    assert done.exit_code == 0
    assert "201 rows" in done.stdout
    assert header == "timestamp,anomaly_score"
    assert [row.split(",")[0] for row in rows] == [
        row.split(",")[0] for row in SERIES.splitlines()[1:]
    ]
    scores = [float(row.split(",")[1]) for row in rows]
    assert all(0 <= score <= 1 for score in scores)
    assert scores[-1] >= 0.5


def test_a_folder_of_compressed_series_keeps_its_layout(tmp_path: Path) -> None:
    # Given two compressed series in a folder of folders
    for name in ("a/posts.csv.gz", "b/posts.csv.gz"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress(SERIES.encode()))
    # When the folder is scored
    run("--csv", tmp_path / "data", "--out", tmp_path / "scores")
    # Then the scores lie as the series did
    found = sorted(
        path.relative_to(tmp_path / "scores") for path in (tmp_path / "scores").rglob("*.csv")
    )
    assert found == [Path("a/posts.csv"), Path("b/posts.csv")]


def test_several_files_go_into_a_folder(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(SERIES)
    run("--csv", tmp_path / "a.csv", "--csv", tmp_path / "b.csv", "--out", tmp_path / "scores")
    assert sorted(path.name for path in (tmp_path / "scores").iterdir()) == ["a.csv", "b.csv"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "posts.csv").write_text(SERIES)
    files = (tmp_path / "a" / "posts.csv", tmp_path / "b" / "posts.csv")
    with pytest.raises(SourceInvalid, match="more than one of the files would write"):
        run("--csv", files[0], "--csv", files[1], "--out", tmp_path / "scores")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"timestamp,value\nnow,3\n", "posts.csv:2 has the timestamp 'now'"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"timestamp,value\n" + b"3" * 131_073 + b",3\n", "field larger than field limit"),
        (
            b'timestamp,value\n"' + b"2026-11-27 14:00:00,3\n" * 9_000,
            "is there a quote that nothing closes",
        ),
    ],
)
def test_a_file_that_is_no_series_is_refused_and_nothing_is_written(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "posts.csv").write_bytes(content)
    with pytest.raises(SourceInvalid, match=said):
        run("--csv", tmp_path / "posts.csv", "--out", tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()


def test_a_file_that_is_not_there_or_a_folder_without_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="cannot be read"):
        run("--csv", tmp_path / "none.csv", "--out", tmp_path / "scores.csv")
    with pytest.raises(SourceInvalid, match=r"no \.csv"):
        run("--csv", tmp_path, "--out", tmp_path / "scores")


def test_a_file_that_is_not_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "posts.csv.gz").write_text(SERIES)
    with pytest.raises(SourceInvalid, match="cannot be read"):
        run("--csv", tmp_path / "posts.csv.gz", "--out", tmp_path / "scores.csv")


PACKED = gzip.compress(SERIES.encode())


@pytest.mark.parametrize(
    "packed",
    [PACKED[:-20], PACKED[:-8] + b"\0" * 8, PACKED[:40] + bytes(60) + PACKED[100:], PACKED[:10] + b"\xff" * 99],
    ids=["cut", "false checksum", "zeros within", "no stream"],
)  # fmt: skip
def test_a_gzip_that_is_broken_is_refused(tmp_path: Path, packed: bytes) -> None:
    (tmp_path / "posts.csv.gz").write_bytes(packed)
    with pytest.raises(SourceInvalid, match=r"posts\.csv\.gz"):
        run("--csv", tmp_path / "posts.csv.gz", "--out", tmp_path / "scores.csv")


@pytest.mark.parametrize("out", ["posts.csv/scores.csv", "posts.csv/deep/scores.csv"])
def test_a_place_where_nothing_can_be_written_is_refused(tmp_path: Path, out: str) -> None:
    (tmp_path / "posts.csv").write_text(SERIES)
    with pytest.raises(InvalidInput, match="cannot be written"):
        run("--csv", tmp_path / "posts.csv", "--out", tmp_path / out)


def test_what_is_read_is_never_written_over(tmp_path: Path) -> None:
    # Given a series, a link to it, and another in a folder
    posts, link, other = tmp_path / "posts.csv", tmp_path / "link.csv", tmp_path / "in" / "b.csv"
    other.parent.mkdir()
    for path in (posts, other):
        path.write_text(SERIES)
    link.symlink_to(posts)
    # When the scores would go where one of them lies; then that is refused, and nothing is written
    for words in (
        ("--csv", posts, "--out", posts),
        ("--csv", posts, "--out", link),
        ("--csv", tmp_path / "in", "--out", tmp_path / "in"),
        ("--csv", posts, "--csv", other, "--out", tmp_path / "in"),
    ):
        with pytest.raises(InvalidInput, match="which is to be read"):
            run(*words)
    assert posts.read_text() == other.read_text() == SERIES
    assert sorted(path.name for path in tmp_path.rglob("*.csv")) == [
        "b.csv",
        "link.csv",
        "posts.csv",
    ]
