"""Few of the training rows, as often as training would draw them."""

from collections import Counter
from pathlib import Path

import msgspec

from models.training.config import TrainingConfig, read_config
from models.training.sources import LabelledRow, PlainText
from models.training.thinning import thinned

ROOT = Path(__file__).parents[3]


def config_of(rows: int) -> TrainingConfig:
    config = read_config(ROOT / "models/training/encoder.toml")
    return msgspec.structs.replace(config, rows=rows)


def row_of(head: str, at: int, *, weight: float = 1.0, is_dev: bool = False) -> LabelledRow:
    return LabelledRow(f"{head} {at}", "", head, "en", "s", ("a",), ("a",), weight, is_dev)


def test_heads_keep_their_shares_whatever_their_rows() -> None:
    # Given heads with shares .30 and .02, and rows the other way round
    rows = [row_of("emotion", at) for at in range(30_000)]
    rows += [row_of("irony", at) for at in range(60_000)]
    texts = [PlainText(f"plain {at}", "zh") for at in range(50_000)]
    # When few of them are kept
    kept, plain = thinned(rows, texts, config=config_of(4000))
    # Then as many of each are there as training would draw, of the unlabelled as well
    heads = Counter(row.head for row in kept)
    assert len(kept) + len(plain) == 4000
    assert 0.40 < len(plain) / 4000 < 0.50
    assert 10 < heads["emotion"] / heads["irony"] < 23


def test_rows_that_are_drawn_often_are_kept_first() -> None:
    rows = [row_of("harm", at, weight=20.0) for at in range(50)]
    rows += [row_of("harm", at) for at in range(50, 5000)]
    kept, _ = thinned(rows, [], config=config_of(1000))
    assert sum(row.weight == 20.0 for row in kept) > 45


def test_development_rows_stay_and_the_order_too() -> None:
    rows = [row_of("irony", at, is_dev=at % 3 == 0) for at in range(3000)]
    kept, _ = thinned(rows, [], config=config_of(100))
    assert sum(row.is_dev for row in kept) == 1000
    assert sum(not row.is_dev for row in kept) == 100
    assert kept == sorted(kept, key=rows.index)


def test_more_than_there_are_keeps_all() -> None:
    rows, texts = [row_of("irony", at) for at in range(5)], [PlainText("plain", "en")]
    assert thinned(rows, texts, config=config_of(100)) == (rows, texts)
