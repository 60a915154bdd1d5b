"""Texts are different, in one order always, and as many as are asked for, whatever a file lacks."""

from pathlib import Path

import pytest

from contracts.errors import InvalidInput, SourceInvalid
from deploy.bench.texts import WRITTEN, as_many, distinct_texts, with_repeats


def test_texts_are_all_different_and_a_share_of_them_repeated() -> None:
    texts = distinct_texts(2000)
    assert len(set(texts)) == 2000
    assert texts == distinct_texts(2000)
    repeated = with_repeats(texts, 0.3)
    assert len(repeated) == 2000
    assert 0.67 < len(set(repeated)) / 2000 < 0.73


def test_more_texts_than_are_written_come_again_with_a_number() -> None:
    texts = distinct_texts(3 * WRITTEN + 1)
    assert len(set(texts)) == 3 * WRITTEN + 1
    assert texts[-1] == f"4: {texts[0]}"


def test_no_text_cannot_be_made_into_many() -> None:
    with pytest.raises(InvalidInput, match="no texts; expected one at least"):
        as_many([], 3)


def test_rows_without_text_are_passed_over_and_a_title_is_a_text(tmp_path: Path) -> None:
    # Given rows with a text, a title alone, neither, and what is no text
    path = tmp_path / "mixed.jsonl"
    rows = ('{"text": "one"}', '{"title": "two"}', '{"body": "three"}', '{"text": 4}', "")
    path.write_text("\n".join(rows), encoding="utf-8")
    # Then the two that can be read are texts
    assert sorted(distinct_texts(2, files=[path])) == ["one", "two"]
    with pytest.raises(InvalidInput, match=r"mixed.jsonl: 2 different texts; expected 3"):
        distinct_texts(3, files=[path])


def test_a_file_with_too_few_texts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "few.jsonl"
    path.write_text('{"text": "one"}\n{"text": "one"}\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match="1 different texts; expected 5, or fewer records"):
        distinct_texts(5, files=[path])


def test_a_file_without_texts_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"body": "one"}\n', encoding="utf-8")
    with pytest.raises(
        InvalidInput, match=r"other.jsonl: the data has no texts: expected .*`text`"
    ):
        distinct_texts(1, files=[path])


def test_a_line_that_is_no_object_is_refused_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    path.write_text('{"text": "one"}\n{"text": \n', encoding="utf-8")
    with pytest.raises(SourceInvalid, match=r"torn.jsonl, line 2.*expected one JSON object"):
        distinct_texts(1, files=[path])
