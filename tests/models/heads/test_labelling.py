"""A sitting at the terminal: answers are kept one by one, taken back, gone on with after a break."""

import json
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import SourceInvalid
from models.heads.answers import AnswerFile
from models.heads.encoding import EncodedTexts
from models.heads.labelling import Guesses, Session, Terminal
from models.protocols import TextInput

LINES = [f"text {number}" for number in range(6)]
VECTORS = np.random.default_rng(4).normal(size=(6, 5)).astype(np.float32)


def sit(path: Path, replies: list[str], *, guesses: Guesses | None = None) -> tuple[list[str], int]:
    """Hold a sitting whose person types `replies`; return what was said and how many answers were added."""
    said: list[str] = []
    typed = iter(replies)
    file = AnswerFile(path)
    session = Session(
        [TextInput(text=line) for line in LINES],
        EncodedTexts(LINES, ["en"] * len(LINES), VECTORS, VECTORS),
        file=file,
        guesses=guesses,
        terminal=Terminal(lambda prompt: next(typed, None), said.append),
    )
    session.answered_before([answer.text for answer in file.answers])
    return said, session.run()


def kept(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def labels(path: Path) -> list[str]:
    return [row["label"] for row in kept(path)]


def test_new_labels_are_confirmed_and_then_known_by_number_and_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    _, added = sit(path, ["refund", "y", "lost", "n", "lost", "y", "1", "LOST", "q"])
    assert labels(path) == ["refund", "lost", "refund", "lost"]
    assert added == 4
    assert len({row["text"] for row in kept(path)}) == 4


def test_skip_undo_and_out_of_scope(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    said, added = sit(path, ["u", "a", "y", "s", "o", "u", "u", "u", "=s", "y", "q"])
    # The label a was given, a text skipped, one put out of scope; both answers were taken back, the first given anew
    assert labels(path) == ["s"]
    assert added == 1
    assert "  taken back: out_of_scope" in said
    assert said.count("nothing to undo in this sitting") == 2


def test_a_next_sitting_goes_on_where_the_last_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    sit(path, ["a", "y", "1", "1"])
    said, added = sit(path, ["1"] * 10)
    assert added == 3
    assert sorted(row["text"] for row in kept(path)) == LINES
    assert said[-1] == "no text is left"


def test_the_end_of_input_ends_the_sitting_even_inside_a_question(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    assert sit(path, ["new"])[1] == 0
    assert not path.exists()


def test_the_head_s_guesses_are_shown_and_doubt_decides(tmp_path: Path) -> None:
    shares = np.tile(np.array([[0.98, 0.01, 0.01]], np.float32), (6, 1))
    shares[4] = [0.3, 0.36, 0.34]
    said, _ = sit(tmp_path / "a.jsonl", ["?", "2"], guesses=Guesses(("x", "y", "z"), shares))
    assert said[1] == "\ntext 4"
    assert said[2] == "  2 y 0.36    3 z 0.34    1 x 0.30"
    assert labels(tmp_path / "a.jsonl") == ["y"]


def test_what_no_label_can_be_is_refused(tmp_path: Path) -> None:
    said, added = sit(tmp_path / "a.jsonl", ["", "x" * 101, "=", "\x1b[2J", "q"])
    assert added == 0
    assert said.count("a label has 1 to 100 printable characters") == 3


def test_a_line_that_was_cut_off_is_dropped_and_the_rest_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    sit(path, ["a", "y", "1"])
    path.write_bytes(path.read_bytes()[:-5])
    file = AnswerFile(path)
    assert len(file.answers) == 1
    file.append(TextInput(text="new", title="t", lang_hint="en"), "b")
    assert kept(path)[1] == {"text": "new", "label": "b", "title": "t", "lang": "en"}


@pytest.mark.parametrize("cut", ['{"te', '{"text":"b \N{FIRE}'])
def test_opening_a_file_never_changes_it(tmp_path: Path, cut: str) -> None:
    path = tmp_path / "a.jsonl"
    # Within a character too
    path.write_bytes(b'{"text":"a","label":"x"}\n' + cut.encode()[:-1])
    before = path.read_bytes()
    assert len(AnswerFile(path).answers) == 1
    assert path.read_bytes() == before


def test_a_whole_last_line_without_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}', encoding="utf-8")
    file = AnswerFile(path)
    file.append(TextInput(text="c", context="before"), "z")
    assert labels(path) == ["x", "y", "z"]
    assert AnswerFile(path).answers == file.answers
    # And undoing takes whole lines
    file.undo()
    file.undo()
    file.append(TextInput(text="d"), "w")
    assert labels(path) == ["x", "w"]


@pytest.mark.parametrize("last", ['{"text": 3}', "some notes", '{"label": "x", "te'])
def test_a_last_line_that_is_not_ours_is_refused_and_stands(tmp_path: Path, last: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(last, encoding="utf-8")
    with pytest.raises(SourceInvalid, match=r"a\.jsonl, line 1"):
        AnswerFile(path)
    assert path.read_text(encoding="utf-8") == last


def test_a_packed_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="unpack it"):
        AnswerFile(tmp_path / "a.jsonl.gz")


def test_a_file_of_something_else_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x", "label": "y"}\n{"text": 3}\n', encoding="utf-8")
    with pytest.raises(SourceInvalid, match=r"a\.jsonl, line 2"):
        AnswerFile(path)


def test_what_was_cut_off_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text":"a","label":"x"}\n{"text":"b')
    assert AnswerFile(path).cut_off == '{"text":"b'
    assert not AnswerFile(tmp_path / "new.jsonl").cut_off


def test_a_place_that_takes_no_answers_is_refused_before_any_is_given(tmp_path: Path) -> None:
    for path in (tmp_path / "nosuch" / "a.jsonl", tmp_path):
        with pytest.raises(SourceInvalid, match=r"cannot write .*: expected a file, in a folder"):
            AnswerFile(path)
    # One that went away later costs no traceback
    path = tmp_path / "gone" / "a.jsonl"
    path.parent.mkdir()
    file = AnswerFile(path)
    path.parent.rmdir()
    with pytest.raises(SourceInvalid, match=r"cannot write .*a\.jsonl: No such file"):
        file.append(TextInput(text="a"), "x")
    assert not file.answers


def test_what_a_file_says_does_not_command_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text":"a","label":"x\\u001b[31m"}\n', encoding="utf-8")
    said, _ = sit(path, ["?", "q"])
    assert "  1 x\\x1b[31m" in said
    assert all(line.isprintable() for words in said for line in words.split("\n"))
