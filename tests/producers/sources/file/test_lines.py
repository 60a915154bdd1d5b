"""Lines of plain and packed files, of pipes, from the start and from the middle."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import SourceInvalid
from producers.sources.file.content import CHUNK_BYTES, Content
from producers.sources.file.lines import Line, LineReader

LIMIT = 1 << 20


def lines_of(path: Path, *, offset: int = 0, number: int = 0, limit: int = LIMIT) -> list[Line]:
    content = Content(path)
    content.open()
    try:
        if offset:
            content.seek(offset)
        reader = LineReader(content, limit_bytes=limit)
        return [line for line in reader.lines(number, path.name) if line is not None]
    finally:
        content.close()


def written(tmp_path: Path, content: bytes, *, packed: bool = False) -> Path:
    path = tmp_path / ("rows.jsonl.gz" if packed else "rows.jsonl")
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_lines_have_numbers_and_offsets_and_the_last_needs_no_end(
    tmp_path: Path, packed: bool
) -> None:
    path = written(tmp_path, b"one\r\n\ntwo", packed=packed)
    assert [(x.number, x.raw, x.start, x.end) for x in lines_of(path)] == [
        (1, b"one\r", 0, 5),
        (2, b"", 5, 6),
        (3, b"two", 6, 9),
    ]
    assert [line.is_blank for line in lines_of(path)] == [False, True, False]


def test_a_byte_order_mark_and_carriage_returns_are_no_content(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf{}\r\n\xef\xbb\xbf")
    assert [line.content for line in lines_of(path)] == [b"{}", b"\xef\xbb\xbf"]


@pytest.mark.parametrize("packed", [False, True])
def test_reading_goes_on_from_any_line(tmp_path: Path, packed: bool) -> None:
    rows = b"".join(b"%d %s\n" % (n, b"x" * (n % 700)) for n in range(3000))
    assert len(rows) > 3 * CHUNK_BYTES
    path = written(tmp_path, rows, packed=packed)
    whole = lines_of(path)
    assert len(whole) == 3000
    for stopped in (whole[0], whole[1499], whole[2998], whole[2999]):
        rest = lines_of(path, offset=stopped.end, number=stopped.number)
        assert rest == whole[stopped.number :]


def test_members_one_after_another_and_padding_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.gz"
    path.write_bytes(gzip.compress(b"one\ntw") + gzip.compress(b"o\n") + b"\0" * 512)
    assert [line.raw for line in lines_of(path)] == [b"one", b"two"]


def test_a_packed_file_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(gzip.compress(b"one\n"))
    assert [line.raw for line in lines_of(path)] == [b"one"]


def test_a_packed_file_that_ends_too_early_names_the_place(tmp_path: Path) -> None:
    rows = b"".join(b"%d\n" % n for n in range(200_000))
    path = tmp_path / "rows.gz"
    path.write_bytes(gzip.compress(rows)[:-4000])
    content = Content(path)
    content.open()
    seen: list[Line | None] = []
    with pytest.raises(SourceInvalid, match=r"ends too early after line (\d+)") as caught:
        seen.extend(LineReader(content, limit_bytes=LIMIT).lines(0, path.name))
    content.close()
    assert len(seen) > 100_000
    assert f"after line {len(seen)} " in str(caught.value)


def test_a_packed_file_with_wrong_bytes_says_so(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(os.urandom(100_000)))
    packed[50_000] ^= 0xFF
    path = tmp_path / "rows.gz"
    path.write_bytes(packed)
    with pytest.raises(SourceInvalid, match=r"damaged|ends too early"):
        lines_of(path)


def test_a_line_over_the_limit_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, b"one\n" + b"x" * (CHUNK_BYTES * 2))
    with pytest.raises(SourceInvalid, match=r"line 2: longer than 1000 bytes"):
        lines_of(path, limit=1000)


def test_what_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="No such file"):
        lines_of(tmp_path / "missing.jsonl")
    with pytest.raises(SourceInvalid, match="is a folder"):
        lines_of(tmp_path)


def test_a_pipe_says_when_it_has_nothing_now(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    content = Content(path)
    content.open()
    lines = LineReader(content, limit_bytes=LIMIT).lines(0, "pipe")
    os.write(writer, b"one\ntw")
    assert next(lines) == Line(1, b"one", 0, 4)
    assert next(lines) is None
    os.write(writer, b"o\n")
    assert next(lines) == Line(2, b"two", 4, 8)
    os.close(writer)
    content.close()


def test_a_packed_pipe_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    os.write(writer, gzip.compress(b"one\n"))
    with pytest.raises(SourceInvalid, match="gzip -dc"):
        lines_of(path)
    os.close(writer)


@given(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")), max_size=20))
def test_lines_put_together_are_the_file(
    tmp_path_factory: pytest.TempPathFactory, rows: list[bytes]
) -> None:
    content = b" " + b"\n".join(rows)
    path = tmp_path_factory.getbasetemp() / "together.gz"
    path.write_bytes(gzip.compress(content))
    lines = lines_of(path)
    assert b"".join(content[line.start : line.end] for line in lines) == content
    assert [line.raw for line in lines] == content.removesuffix(b"\n").split(b"\n")
