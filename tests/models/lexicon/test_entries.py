"""A lexicon file is read whole or refused with file, line and remedy; a user's words come before ours."""

from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import InvalidInput
from models.cli.app import app
from models.lexicon.entries import Entry, check_place, extended, read_entries, write_entries
from models.lexicon.matching import Lexicon

BUNDLED = Path(str(resources.files("models.bundled"))) / "lexicon" / "emotion.tsv"
HEADER = "word\tlang\tlabel\tweight\n"


def file_of(folder: Path, content: str | bytes, name: str = "mine.tsv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_tabs_and_commas_say_the_same(tmp_path: Path) -> None:
    tabs = file_of(tmp_path, HEADER + "Yay\ten\tjoy\t2\n# a remark\n\n绝了\tzh\tvalence\t-0.5\n")
    commas = file_of(
        tmp_path, '\ufeffweight,lang,word,label\n2,en,"Yay",joy\n-0.5,zh,绝了,valence\n', "mine.csv"
    )
    expected = [Entry("yay", "en", "joy", 2.0), Entry("绝了", "zh", "valence", -0.5)]
    assert read_entries(tabs) == read_entries(commas) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("word\tlang\tlabel\n", "line 1: the first row lacks weight"),
        ("word,lang,label,weight\nyay,en,joy,1\n", "line 1: the first row lacks"),
        (HEADER + "yay\ten\tjoy\n", "line 2: 3 cells, expected 4"),
        (HEADER + "# fine\n\nyay\tfr\tjoy\t1\n", "line 4: lang 'fr', expected one of en, zh"),
        (HEADER + "yay\ten\tglee\t1\n", "line 2: label 'glee', expected one of anger"),
        (HEADER + "yay\ten\tjoy\tmuch\n", "line 2: weight 'much' of joy, expected a number"),
        (HEADER + "yay\ten\tjoy\tnan\n", "line 2: weight 'nan' of joy"),
        (HEADER + "yay\ten\tvalence\t1.5\n", "expected a number from -1 to 1"),
        (HEADER + "\ten\tjoy\t1\n", "has 0 characters, expected 1 to 64"),
        (HEADER.encode() + b"\xff\xfe\n", "is not UTF-8"),
        ("", "says nothing: expected a row of word, lang, label, weight, and a row for each word"),
        (HEADER + "# yay\ten\tjoy\t1\n", "says nothing"),
        (
            HEADER + "yay\ten\tjoy\t1\n\nyay\ten\tjoy\t9\n",
            "lines 2 and 4: 'yay' in en has joy and joy",
        ),
        (
            HEADER + "yay\ten\tjoy\t1\nYAY\ten\tnone\t0\n",
            "lines 2 and 3: 'yay' in en has joy and none",
        ),
        (
            HEADER + "\uff59ay\ten\tnone\t0\nyay\ten\tfear\t1\n",
            "lines 2 and 3: 'yay' in en has none and fear",
        ),
        (
            HEADER + "y" * 200_000 + "\ten\tjoy\t1\n",
            "line 2: 200,010 characters, expected at most 1,000",
        ),
        (
            HEADER + "@bob\ten\tjoy\t1\n",
            "line 2: the word '@bob' is read as '@user': links and handles",
        ),
        (HEADER + "www.yay.com\ten\tjoy\t1\n", "is read as 'http'"),
    ],
)
def test_a_faulty_file_names_its_line_and_the_remedy(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = file_of(tmp_path, content)
    with pytest.raises(InvalidInput) as caught:
        read_entries(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_missing_file_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"models\.lexicon"):
        read_entries(tmp_path / "none.tsv")


def test_a_word_of_the_user_replaces_all_that_was_said_of_it_in_that_language() -> None:
    ours = [Entry("sick", "en", "sadness", 1.0), Entry("sick", "en", "valence", -0.5)]
    theirs = [Entry("sick", "en", "joy", 2.0)]
    assert extended([*ours, Entry("sad", "en", "sadness", 3.0)], theirs) == [
        Entry("sad", "en", "sadness", 3.0),
        Entry("sick", "en", "joy", 2.0),
    ]


def test_a_user_teaches_silences_and_overrides_words(tmp_path: Path) -> None:
    # Given a file that knows a word, takes one away and turns one round
    path = file_of(tmp_path, HEADER + "banging\ten\tjoy\t2\nangry\ten\tnone\t0\nsad\ten\tjoy\t1\n")
    lexicon = Lexicon.load(user_file=path)

    # Then all three hold, and other words say what they said
    assert lexicon.find("banging")[0].weights == {"joy": 2.0}
    assert lexicon.find("angry") == []
    assert lexicon.find("sad")[0].weights == {"joy": 1.0}
    assert lexicon.find("难过")[0].weights["sadness"] > 0.5


def test_a_word_is_found_however_wide_or_curly_it_is_written(tmp_path: Path) -> None:
    content = "\uff39\uff41\uff59\ten\tjoy\t2\ndon\u2019t care\ten\tanger\t1\nyay\tzh\tfear\t1\n"
    entries = read_entries(file_of(tmp_path, HEADER + content))
    assert entries == [
        Entry("yay", "en", "joy", 2.0),
        Entry("don't care", "en", "anger", 1.0),
        Entry("yay", "zh", "fear", 1.0),
    ]
    assert Lexicon(entries).find("I don\u2019t care")[0].weights == {"anger": 1.0}


def test_a_lexicon_is_written_where_it_can_be_or_refused_before_it_is_counted(
    tmp_path: Path,
) -> None:
    out = tmp_path / "nosuch" / "x.tsv"
    words = ["lexicon", "build", "--data", str(tmp_path), "--out", str(out)]
    with pytest.raises(InvalidInput, match=r"cannot write .*: expected a file, in a folder"):
        CliRunner().invoke(app, words, catch_exceptions=False)
    with pytest.raises(InvalidInput, match=r"cannot write .*x\.tsv: No such file"):
        write_entries([], out, remarks=[])
    check_place(tmp_path / "x.tsv")


def test_equal_entries_give_equal_bytes(tmp_path: Path) -> None:
    entries = [
        Entry("b", "zh", "joy", 1.0),
        Entry("b", "en", "joy", 1.005),
        Entry("a", "en", "fear", 2),
    ]
    first, second = tmp_path / "first.tsv", tmp_path / "second.tsv"
    write_entries(entries, first, remarks=["made here"])
    write_entries(reversed(entries), second, remarks=["made here"])
    assert first.read_bytes() == second.read_bytes()
    assert [entry.word for entry in read_entries(first)] == ["a", "b", "b"]


def test_the_bundled_file_is_small_sorted_and_says_how_it_was_made() -> None:
    entries = read_entries(BUNDLED)
    head = BUNDLED.read_text(encoding="utf-8").split("word\tlang")[0]
    assert BUNDLED.stat().st_size < 400_000
    assert entries == sorted(entries, key=lambda e: (e.lang, e.word, e.label))
    assert len(entries) == len({entry[:3] for entry in entries})
    # A word stands there as it is read, or our own file would be another than the one that was judged
    rows = BUNDLED.read_text(encoding="utf-8").split("weight\n")[1].splitlines()
    assert [entry.word for entry in entries] == [row.split("\t")[0] for row in rows]
    assert "Dirichlet prior" in head
    assert "tweeteval/emotion.train.jsonl.gz" in head


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("so happy", "joy"),
        ("hopefully", "optimism"),
        ("I am scared", "fear"),
        ("that is disgusting", "disgust"),
        ("so annoying", "anger"),
        ("I feel lonely", "sadness"),
        ("wow", "surprise"),
        ("今天很开心", "joy"),
        ("太难过了", "sadness"),
        ("好害怕", "fear"),
        ("真恶心", "disgust"),
        ("气死我了", "anger"),
        ("我震惊了", "surprise"),
    ],
)
def test_the_bundled_words_say_what_one_expects(text: str, emotion: str) -> None:
    matches = Lexicon.load().find(text)
    assert max(matches[0].weights, key=lambda name: matches[0].weights[name]) == emotion
