"""Records: every way a file of JSON lines can be damaged is told with its place."""

import gzip
from pathlib import Path

import pytest

from contracts.errors import SourceInvalid
from models.evaluation.records import read_records

TWO = b'{"text": "a"}\n{"text": "b"}\n'
READ = [{"text": "a"}, {"text": "b"}]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_plain_and_gzip_are_told_apart_by_content(tmp_path: Path) -> None:
    assert list(read_records(written(tmp_path / "a.jsonl", TWO))) == READ
    assert list(read_records(written(tmp_path / "a.jsonl.gz", gzip.compress(TWO)))) == READ
    assert list(read_records(written(tmp_path / "a.jsonl", gzip.compress(TWO)))) == READ


def test_a_mark_windows_line_ends_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + TWO.replace(b"\n", b"\r\n") + b"\r\n  \n"
    assert list(read_records(written(tmp_path / "a.jsonl", content))) == READ
    packed = written(tmp_path / "a.jsonl.gz", gzip.compress(content))
    assert list(read_records(packed)) == READ


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    assert list(read_records(written(tmp_path / "a.jsonl", b""))) == []
    assert list(read_records(written(tmp_path / "a.jsonl.gz", b""))) == []
    assert list(read_records(written(tmp_path / "b.jsonl.gz", gzip.compress(b"")))) == []


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"text": ', "truncated"),
        (b"text,label", "malformed"),
        (b'["text"]', "Expected `object`"),
        (b'{"text": NaN}', "malformed"),
        (b'{"text": "\xff\xfe"}', "line 2"),
        (b"null", "Expected `object`"),
    ],
)
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: bytes, what: str) -> None:
    path = written(tmp_path / "a.jsonl", b'{"text": "a"}\n' + line + b"\n")
    with pytest.raises(SourceInvalid, match=r"a\.jsonl, line 2: ") as caught:
        list(read_records(path))
    assert what in str(caught.value)


def test_a_file_in_another_encoding_is_refused_at_its_first_line(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="line 1: "):
        list(read_records(written(tmp_path / "a.jsonl", TWO.decode().encode("utf-16"))))


def test_a_gzip_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match=r"a\.jsonl\.gz, line 1: not gzip"):
        list(read_records(written(tmp_path / "a.jsonl.gz", TWO)))


def test_a_gzip_that_is_cut_or_damaged_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(TWO * 1000)
    for name, content in {
        "cut": whole[:-20],
        "body": whole[:20] + b"\x00" * 10 + whole[30:],
        "checksum": whole[:-8] + b"\x00" * 8,
    }.items():
        with pytest.raises(SourceInvalid, match=rf"{name}\.jsonl\.gz, line \d+: "):
            list(read_records(written(tmp_path / f"{name}.jsonl.gz", content)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match=r"cannot read data file .*none\.jsonl: No such file"):
        list(read_records(tmp_path / "none.jsonl"))
    with pytest.raises(SourceInvalid, match="cannot read data file"):
        list(read_records(tmp_path))
