"""The lexicon is counted: surely, undenied, and from two sources that know nothing of each other."""

import gzip
import json
from pathlib import Path

import pytest

from models.lexicon.building import build, remarks
from models.lexicon.counting import Source, SourceTable, read_table
from models.lexicon.entries import Entry
from models.lexicon.judging import judge_file
from models.lexicon.matching import Lexicon

EMOTIONS = {"joy": "joy", "anger": "anger"}
SIGNS = {"joy": "positive", "anger": "negative"}


def write(folder: Path, name: str, rows: list[tuple[str, str]]) -> None:
    with gzip.open(folder / name, "wt", encoding="utf-8") as file:
        for text, label in rows:
            file.write(json.dumps({"text": text, "label": label}) + "\n")


def rows(words: dict[str, str], *, topic: str) -> list[tuple[str, str]]:
    """Return forty texts a word, each with numbers of its own so that all are distinct."""
    return [
        (f"{topic} {number} the {word} {label[0]}{number} day", label)
        for label, text in words.items()
        for word in text.split("|")
        for number in range(40)
    ]


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    # Given two sources that share their feelings and not their topics; `norvia` is angry in one of them alone
    folder = tmp_path_factory.mktemp("data")
    one = {
        "joy": "lovely|nice|not awful|hooray for norvio",
        "anger": "awful|rotten|norvia phones|not lovely",
    }
    other = {"joy": "lovely|nice|hooray", "anger": "awful|rotten|meh"}
    write(folder, "one.jsonl.gz", rows(one, topic="phone"))
    write(
        folder,
        "other.jsonl.gz",
        [*rows(other, topic="train"), ("a judged rotten text", "anger")] * 2,
    )
    write(folder, "judged.jsonl.gz", [("a judged rotten text", "anger"), ("lovely", "joy")])
    sources = [
        Source(f"{name}.jsonl.gz", "en", name, labels)
        for name in ("one", "other")
        for labels in (EMOTIONS, SIGNS)
    ]
    return build(SourceTable(("judged.jsonl.gz",), tuple(sources)), folder)


def words(entries: list[Entry], label: str) -> set[str]:
    return {entry.word for entry in entries if entry.label == label and entry.weight > 0}


def test_a_feeling_that_two_sources_share_is_an_entry(entries: list[Entry]) -> None:
    assert {"lovely", "nice", "hooray"} <= words(entries, "joy")
    assert {"awful", "rotten"} <= words(entries, "anger")


def test_a_topic_of_one_source_is_none(entries: list[Entry]) -> None:
    found = {entry.word for entry in entries}
    assert not found & {"norvia", "norvio", "phones", "phone", "train", "meh", "the", "day"}


def test_a_denied_word_is_not_counted(entries: list[Entry]) -> None:
    # Half of what one source writes of `lovely` stands in angry texts, denied
    assert "lovely" not in words(entries, "anger")
    assert "awful" not in words(entries, "joy")


def test_valence_is_signed_and_within_one(entries: list[Entry]) -> None:
    valence = {entry.word: entry.weight for entry in entries if entry.label == "valence"}
    assert 0 < valence["lovely"] <= 1
    assert -1 <= valence["awful"] < 0


def test_no_word_says_the_same_thing_twice(entries: list[Entry]) -> None:
    said = [entry[:3] for entry in entries]
    assert len(said) == len(set(said))


def test_the_head_of_the_file_names_every_source() -> None:
    table = read_table()
    text = "\n".join(remarks(table))
    assert all(source.file in text for source in table.sources)


def test_the_sources_that_ship_name_no_test_split() -> None:
    table = read_table()
    assert {source.lang for source in table.sources} == {"en", "zh"}
    assert [source.file for source in table.sources if "test" in source.file.split("/")[1]] == []
    assert not {source.file for source in table.sources} & set(table.judged)


def test_negation_helps_where_texts_deny(tmp_path: Path) -> None:
    # Given texts of which half deny their word
    write(tmp_path, "dev.jsonl.gz", [("lovely", "positive"), ("not lovely", "negative")] * 3)
    lexicon = Lexicon([Entry("lovely", "en", "valence", 0.8)])

    # When the lexicon alone guesses them
    verdict = judge_file(lexicon, tmp_path, file="dev.jsonl.gz", mapping={})

    # Then words alone get half of them right, and words with their negators all
    assert (verdict.words_alone.accuracy, verdict.whole.accuracy) == (0.5, 1.0)
    assert verdict.speaks == 1.0
