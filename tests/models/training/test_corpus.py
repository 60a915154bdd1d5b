"""The corpus: texts once, rows that point to them, masks of labels, all of it as it was after a file."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tokenizers import Tokenizer

from models.training.config import TrainingConfig
from models.training.corpus import (
    NO_LABELS,
    Columns,
    Corpus,
    build_corpus,
    columns_of,
    load_corpus,
    save_corpus,
)
from models.training.sources import LabelledRow, PlainText
from models.training.vocabulary import cut_tokenizer
from tests.models.training.tiny import tiny_config

LETTERS = [(letter, -1.0) for letter in ["<s>", "<pad>", "</s>", "<unk>", "\u2581", *"abcdefghij"]]


def tokenizer() -> Tokenizer:
    """Return a tokenizer whose pieces are letters: "a" is 5."""
    return cut_tokenizer(LETTERS, range(4, len(LETTERS)))


def row(text: str, targets: str, context: str = "", **more: object) -> LabelledRow:
    return msgspec.convert(
        {
            "text": text,
            "context": context,
            "head": "sentiment",
            "lang": "en",
            "source": "a/x.jsonl.gz",
            "targets": targets.split("|"),
            "known": ["negative", "neutral", "positive"],
            "weight": 1.0,
            "is_dev": False,
        }
        | more,
        LabelledRow,
    )


ROWS = [
    row("ab", "positive"),
    row("ab", "negative", context="cd"),
    row("c", "negative|neutral", is_dev=True),
    row("ab", "a/x", head="kind", known=["a/x", "a/y"], source="b/y.jsonl.gz"),
]
TEXTS = [PlainText("abcdefghij", "zh"), PlainText("c", "en")]


def small_config() -> TrainingConfig:
    limits = {"pieces": 20, "token_limit": 8, "context_limit": 4}
    return tiny_config(vocabulary=limits)


@pytest.fixture
def built() -> tuple[Corpus, Columns]:
    columns = columns_of(small_config(), ROWS)
    return build_corpus(
        small_config(), ROWS, texts=TEXTS, tokenizer=tokenizer(), columns=columns
    ), columns


def test_heads_stand_one_after_another_in_the_columns(built: tuple[Corpus, Columns]) -> None:
    _, columns = built
    assert columns.labels["kind"] == ("a/x", "a/y")
    assert (columns.width, columns.span("sentiment"), columns.span("kind")) == (
        5,
        slice(0, 3),
        slice(3, 5),
    )
    assert columns.files == ("a/x.jsonl.gz", "b/y.jsonl.gz")
    with pytest.raises(KeyError):
        columns.first("nothing")


def test_rows_and_texts_share_a_text_that_they_share(built: tuple[Corpus, Columns]) -> None:
    corpus, _ = built
    assert corpus.text.tolist() == [0, 0, 1, 0, 2, 1]
    assert corpus.before.tolist() == [0, 1, 0, 0, 0, 0]
    assert corpus.label_set.tolist() == [0, 1, 2, 3, NO_LABELS, NO_LABELS]
    assert corpus.head.tolist() == [0, 0, 0, 1, NO_LABELS, NO_LABELS]
    assert corpus.lang.tolist() == [0, 0, 0, 0, 1, 0]
    assert corpus.is_dev.tolist() == [False, False, True, False, False, False]


def test_masks_say_what_may_be_true_among_what(built: tuple[Corpus, Columns]) -> None:
    corpus, _ = built
    assert corpus.targets.astype(int).tolist() == [
        [0, 0, 1, 0, 0],
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 0, 1, 0],
    ]
    assert corpus.known.astype(int).tolist() == [[1, 1, 1, 0, 0]] * 3 + [[0, 0, 0, 1, 1]]


def test_lengths_are_those_of_the_frame(built: tuple[Corpus, Columns]) -> None:
    # Given texts of 3, 2 and (cut to the limit) 6 pieces, the space before them counted, and a context cut to 2
    corpus, _ = built
    assert np.diff(corpus.starts).tolist() == [3, 2, 6]
    assert np.diff(corpus.context_starts).tolist() == [0, 2]
    # Then each has begin and end, and a context its own end and the one before it
    assert corpus.lengths().tolist() == [5, 9, 4, 5, 8, 4]


def test_a_context_keeps_its_end(built: tuple[Corpus, Columns]) -> None:
    corpus, _ = built
    encoding = tokenizer().encode("cd", add_special_tokens=False)
    assert corpus.context.tolist() == encoding.ids[-2:]


def test_a_saved_corpus_is_the_same(built: tuple[Corpus, Columns], tmp_path: Path) -> None:
    corpus, columns = built
    save_corpus(corpus, columns, path=tmp_path / "corpus.npz")
    again, same_columns = load_corpus(tmp_path / "corpus.npz")
    assert same_columns == columns
    for name, array in msgspec.structs.asdict(corpus).items():
        loaded = getattr(again, name)
        assert loaded.dtype == array.dtype
        assert loaded.tolist() == array.tolist()
