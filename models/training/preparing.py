"""Turn public data into what training reads: the corpus, the cut tokenizer, the base weights.

In: a `TrainingConfig` and a data folder. Out, in the run's folder: `rows.json` (development rows), `corpus.npz`,
`tokenizer.json`, `pieces.json`, `base.npz`, `baseline.json`. Imports numpy and tokenizers, never torch.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import structlog
from tokenizers import Tokenizer

from contracts.errors import InvalidInput
from models.protocols import FloatArray
from models.training.base_encoder import (
    WORD_ROWS,
    BaseEncoder,
    locate_base_encoder,
    read_base_encoder,
)
from models.training.baseline import baseline_figures
from models.training.checking import check_base, check_rows
from models.training.config import TrainingConfig
from models.training.corpus import build_corpus, columns_of, save_corpus
from models.training.sources import LabelledRow, PlainText, plain_texts, read_rows
from models.training.thinning import thinned
from models.training.vocabulary import (
    BASE_SPECIALS,
    base_tokenizer,
    choose_pieces,
    count_pieces,
    cut_tokenizer,
    save_compact,
)
from models.training.whole_files import read_whole, write_whole

BASE_FILE, ORIGINAL_FILE = "base.npz", "base.original.npz"
ADAPT_FOLDER, ADAPT_BEGUN_FILE, ADAPTED_FILE = "adapt", "begun.json", "adapted.json"
POSITION_ROWS = "embeddings.position_embeddings.weight"

log = structlog.get_logger()


def prepare(config: TrainingConfig, data: Path, *, folder: Path) -> None:
    """Write everything that the later stages read; nothing when it is there."""
    if (folder / BASE_FILE).exists():
        return
    rows, texts = read_everything(config, data)
    prepare_rows(config, rows, texts=texts, folder=folder)


def prepare_rows(
    config: TrainingConfig, rows: list[LabelledRow], *, texts: list[PlainText], folder: Path
) -> None:
    """Write what the later stages read, from rows and texts already read.

    Raises `SettingsInvalid` when a head has no rows to learn from or be judged on, or the base encoder is too small.
    """
    check_rows(config, rows)
    encoder = read_base_encoder(locate_base_encoder(config.base))
    positions = len(encoder.weights[POSITION_ROWS])
    check_base(config, layers=encoder.layers, positions=positions)
    development = [row for row in rows if row.is_dev]
    (folder / "rows.json").write_bytes(msgspec.json.encode(development))
    log.info("rows_read", labelled=len(rows), development=len(development), texts=len(texts))
    everything = dict.fromkeys([row.text for row in rows] + [plain.text for plain in texts])
    tokenizer, kept = cut_vocabulary(encoder, list(everything), config=config, folder=folder)
    columns = columns_of(config, rows)
    corpus = build_corpus(config, rows, texts=texts, tokenizer=tokenizer, columns=columns)
    save_corpus(corpus, columns, path=folder / "corpus.npz")
    exported = [row for row in rows if row.head in config.exported]
    figures = baseline_figures(exported, seed=config.seed)
    (folder / "baseline.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    save_base(encoder, kept, path=folder / BASE_FILE)


def read_everything(
    config: TrainingConfig, data: Path
) -> tuple[list[LabelledRow], list[PlainText]]:
    """Return the labelled rows and the unlabelled texts, thinned where the config wants few."""
    rows = read_rows(config, data)
    texts = plain_texts(config, data, known={row.text for row in rows})
    return thinned(rows, texts, config=config) if config.rows else (rows, texts)


def corpus_texts(config: TrainingConfig, data: Path) -> list[PlainText]:
    """Return the corpus's distinct texts in its own order, read anew."""
    rows, texts = read_everything(config, data)
    langs: dict[str, str] = {}
    items: list[LabelledRow | PlainText] = [*rows, *texts]
    for item in items:
        langs.setdefault(item.text, item.lang)
    return [PlainText(text, lang) for text, lang in langs.items()]


def cut_vocabulary(
    encoder: BaseEncoder, texts: list[str], *, config: TrainingConfig, folder: Path
) -> tuple[Tokenizer, list[int]]:
    """Return the cut tokenizer and the base ids of its pieces, and write both."""
    counts = count_pieces(base_tokenizer(encoder.pieces), texts)
    kept = choose_pieces(encoder.pieces, counts, limit=config.vocabulary.pieces)
    share = sum(counts[i] for i in kept) / sum(counts.values())
    log.info("vocabulary_cut", kept=len(kept), seen=len(counts), share=round(share, 5))
    (folder / "pieces.json").write_text(json.dumps(kept), encoding="utf-8")
    tokenizer = cut_tokenizer(encoder.pieces, kept)
    save_compact(tokenizer, folder / "tokenizer.json")
    return tokenizer, kept


def save_base(encoder: BaseEncoder, kept: list[int], *, path: Path) -> None:
    """Write the base weights as float16, with the word rows of our pieces alone, specials first."""
    weights = dict(encoder.weights)
    weights[WORD_ROWS] = weights[WORD_ROWS][[*BASE_SPECIALS, *kept]]
    write_arrays(path, weights)


def write_arrays(path: Path, arrays: Mapping[str, FloatArray]) -> None:
    """Write arrays by name as float16."""
    small: dict[str, Any] = {name: values.astype(np.float16) for name, values in arrays.items()}
    write_whole(path, lambda file: np.savez(file, **small))


def replace_base(folder: Path, layers: Mapping[str, FloatArray]) -> None:
    """Put adapted layers in place of the base encoder's, and keep its own beside them."""
    original, path = folder / ORIGINAL_FILE, folder / BASE_FILE
    if not original.exists():
        write_whole(original, lambda file: file.write(path.read_bytes()))
    write_arrays(path, base_weights(folder, name=ORIGINAL_FILE) | dict(layers))


def check_adapted(folder: Path) -> None:
    """Raise `InvalidInput` where the base encoder's adapting was begun and not finished."""
    begun = (folder / ADAPT_FOLDER / ADAPT_BEGUN_FILE).exists()
    replaced = (folder / ORIGINAL_FILE).exists()
    if (folder / ADAPTED_FILE).exists() or not (begun or replaced):
        return
    back = f", and move {ORIGINAL_FILE} to {BASE_FILE}" if replaced else ""
    raise InvalidInput(
        f"the base encoder of {folder} is half adapted, {ADAPTED_FILE} is missing: run `hubbub models adapt` with the "
        f"same texts and options to its end; or, to train without, remove the folder {folder / ADAPT_FOLDER}{back}"
    )


def original_base(folder: Path) -> str:
    """Return the name of the file with the base encoder as it came, whether another was put in its place or not."""
    return ORIGINAL_FILE if (folder / ORIGINAL_FILE).exists() else BASE_FILE


def base_layers(folder: Path) -> int:
    """Return how many layers the base encoder has."""
    with np.load(folder / BASE_FILE) as arrays:
        return 1 + max(int(name.split(".")[2]) for name in arrays.files if ".layer." in name)


def base_weights(folder: Path, *, name: str = BASE_FILE) -> dict[str, FloatArray]:
    """Return what `save_base` or `replace_base` wrote as float32."""
    return read_whole(folder / name, _floats)


def _floats(file: BinaryIO) -> dict[str, FloatArray]:
    with np.load(file) as arrays:
        return {key: arrays[key].astype(np.float32) for key in arrays.files}


def prefix_pieces(config: TrainingConfig, folder: Path) -> tuple[int, ...]:
    """Return the pieces of the base encoder's prefix in the cut vocabulary."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encoding = tokenizer.encode(config.base.prefix.strip(), add_special_tokens=False)
    return tuple(encoding.ids)
