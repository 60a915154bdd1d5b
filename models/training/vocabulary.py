"""Cut the base encoder's vocabulary to the pieces that our texts use, as one compact tokenizer file.

In: pieces with log probabilities and a sample of normalised texts. Out: a `tokenizers` file and the kept ids.
Imports numpy and tokenizers; never torch.

The cut tokenizer has no normaliser (the text comes normalised) and no special pieces that a text could spell: padding
and unknown are control characters, which normalisation removes. `<s>` typed by a user is three ordinary characters.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from models.features.text import PAD_PIECE, UNKNOWN_PIECE

PAD_ID, UNKNOWN_ID, SPECIAL_IDS = 0, 1, 2
BASE_SPECIAL_IDS = 4
SPACE = "\u2581"


def count_pieces(tokenizer: Tokenizer, texts: Iterable[str], *, chunk: int = 4096) -> Counter[int]:
    """Count how many times each base id occurs in `texts`."""
    counts: Counter[int] = Counter()
    pending: list[str] = []
    for text in texts:
        pending.append(text)
        if len(pending) == chunk:
            counts.update(
                i
                for e in tokenizer.encode_batch_fast(pending, add_special_tokens=False)
                for i in e.ids
            )
            pending = []
    counts.update(
        i for e in tokenizer.encode_batch_fast(pending, add_special_tokens=False) for i in e.ids
    )
    return counts


def choose_pieces(
    pieces: Sequence[tuple[str, float]], counts: Counter[int], *, limit: int
) -> list[int]:
    """Return at most `limit` base ids in ascending order: the most frequent, and every printable ASCII character.

    Ties go to the smaller id, which is the likelier piece of the base vocabulary.
    """
    single = {
        i
        for i, (piece, _) in enumerate(pieces)
        if len(piece) == 1 and (piece.isascii() or piece == SPACE)
    }
    always = sorted(i for i in single if i >= BASE_SPECIAL_IDS)
    ranked = sorted((i for i in counts if i >= BASE_SPECIAL_IDS), key=lambda i: (-counts[i], i))
    chosen = list(dict.fromkeys(always + ranked))[: limit - SPECIAL_IDS]
    return sorted(chosen)


def base_tokenizer(pieces: Sequence[tuple[str, float]]) -> Tokenizer:
    """Return the base encoder's own tokenizer, which frames a text as `<s> ... </s>`."""
    tokenizer = Tokenizer(models.Unigram(list(pieces), unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def cut_tokenizer(pieces: Sequence[tuple[str, float]], kept: Sequence[int]) -> Tokenizer:
    """Return a tokenizer of the kept pieces: id 0 pads, 1 is unknown, base id `kept[i]` becomes i + 2."""
    vocabulary = [(PAD_PIECE, -100.0), (UNKNOWN_PIECE, -100.0)]
    vocabulary += [(pieces[i][0], round(pieces[i][1], 3)) for i in kept]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=UNKNOWN_ID, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    return tokenizer


def save_compact(tokenizer: Tokenizer, path: Path) -> None:
    """Write the tokenizer as JSON without spaces and with UTF-8 instead of escapes: half the size."""
    text = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")
