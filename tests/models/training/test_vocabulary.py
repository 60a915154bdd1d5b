"""The cut vocabulary: frequent pieces stay, ids are dense, and no text can spell a special piece."""

from collections import Counter
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from models.training.bags import BagStore, drop_pieces, tokenize_rows
from models.training.vocabulary import (
    PAD_ID,
    UNKNOWN_ID,
    base_tokenizer,
    choose_pieces,
    count_pieces,
    cut_tokenizer,
    save_compact,
)

SPACE = "\u2581"
WORDS = ["good", "day", "rare", "好", "天气"]
PIECES = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), (SPACE, -2.0)]
PIECES += (
    [(chr(c), -9.0) for c in range(33, 127)]
    + [(SPACE + w, -5.0) for w in WORDS]
    + [(w, -6.0) for w in WORDS]
)


def test_the_frequent_pieces_and_all_of_ascii_stay() -> None:
    counts = count_pieces(base_tokenizer(PIECES), ["good day"] * 3 + ["rare"])
    kept = choose_pieces(PIECES, counts, limit=2 + 95 + 2)
    names = [PIECES[i][0] for i in kept]
    assert {SPACE + "good", SPACE + "day"} <= set(names)
    assert SPACE + "rare" not in names
    assert {"a", "~", SPACE} <= set(names)
    assert kept == sorted(kept)


def test_the_cut_tokenizer_has_dense_ids_and_survives_its_file(tmp_path: Path) -> None:
    kept = choose_pieces(PIECES, Counter(range(4, len(PIECES))), limit=1000)
    tokenizer = cut_tokenizer(PIECES, kept)
    save_compact(tokenizer, tmp_path / "tokenizer.json")
    again = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    rows = tokenize_rows(again, ["good day", "天气好 ☃", ""], limit=64)
    assert rows == tokenize_rows(tokenizer, ["good day", "天气好 ☃", ""], limit=64)
    assert UNKNOWN_ID in rows[1]
    assert rows[2] == []
    assert max(map(max, rows[:2])) < len(kept) + 2


def test_special_words_are_spelt_in_characters() -> None:
    tokenizer = cut_tokenizer(
        PIECES, choose_pieces(PIECES, Counter(range(4, len(PIECES))), limit=1000)
    )
    (row,) = tokenize_rows(tokenizer, ["<s><pad>"], limit=64)
    assert len(row) >= len("<s><pad>")
    assert PAD_ID not in row


def test_a_bag_holds_the_chosen_texts_in_the_asked_order() -> None:
    store = BagStore([[5, 6], [], [7], [8, 9, 10]])
    bag = store.take(np.array([3, 1, 0]))
    assert bag.ids.tolist() == [8, 9, 10, 5, 6]
    assert bag.starts.tolist() == [0, 3, 3]


def test_dropped_pieces_become_padding() -> None:
    bag = BagStore([list(range(1, 1001))]).take(np.array([0]))
    dropped = drop_pieces(bag, 0.3, generator=np.random.default_rng(0))
    assert 200 < np.sum(dropped.ids == PAD_ID) < 400
    assert dropped.ids.shape == bag.ids.shape
