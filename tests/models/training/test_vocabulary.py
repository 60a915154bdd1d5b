"""The cut vocabulary: frequent pieces stay, ids are dense, and no text can spell a special piece."""

from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer

from models.training.vocabulary import (
    SPECIAL_IDS,
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


def ids_of(tokenizer: Tokenizer, *texts: str) -> list[list[int]]:
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]


def test_the_frequent_pieces_and_all_of_ascii_stay() -> None:
    counts = count_pieces(base_tokenizer(PIECES), ["good day"] * 3 + ["rare"])
    kept = choose_pieces(PIECES, counts, limit=4 + 96 + 2)
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
    rows = ids_of(again, "good day", "天气好 ☃", "")
    assert rows == ids_of(tokenizer, "good day", "天气好 ☃", "")
    assert UNKNOWN_ID in rows[1]
    assert rows[2] == []
    assert max(map(max, rows[:2])) < len(kept) + SPECIAL_IDS


def test_special_words_are_spelt_in_characters() -> None:
    tokenizer = cut_tokenizer(
        PIECES, choose_pieces(PIECES, Counter(range(4, len(PIECES))), limit=1000)
    )
    (row,) = ids_of(tokenizer, "<s><pad>")
    assert len(row) >= len("<s><pad>")
    assert min(row) >= SPECIAL_IDS
