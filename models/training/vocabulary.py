"""Cut the base encoder's vocabulary to the pieces that our texts use, as one compact tokenizer file.

In: pieces with log probabilities and a sample of normalised texts. Out: a `tokenizers` file and the kept ids.
Imports numpy and tokenizers; never torch.

The cut tokenizer has no normaliser (the text comes normalised) and no special pieces that a text could spell: padding,
unknown, begin and end are control characters, which normalisation removes. `<s>` typed by a user is three ordinary
characters.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from models.features.text import BEGIN_PIECE, END_PIECE, PAD_PIECE, UNKNOWN_PIECE

PAD_ID, UNKNOWN_ID, BEGIN_ID, END_ID = 0, 1, 2, 3
SPECIAL_IDS = 4
BASE_SPECIAL_IDS = 4
# What stands in the base vocabulary for our four: <pad>, <unk>, <s>, </s>.
BASE_SPECIALS = (1, 3, 0, 2)
SPACE = "\u2581"
# ASCII, Han, full-width and general punctuation, pictographs.
_OURS = re.compile(
    "[\u2581\x21-\x7e\u2010-\u205e\u2600-\u27bf\u3001-\u303f\u4e00-\u9fff\uff01-\uff65\U0001f300-\U0001faff]+"
)


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
    """Return at most `limit` base ids in ascending order.

    First every single ASCII or Han character, then the pieces that our texts use, the most frequent first, then other
    pieces of our scripts in the base vocabulary's order, which is that of their frequency: what is to come is not
    quite what was.
    """
    usual = range(BASE_SPECIAL_IDS, len(pieces))
    always = [i for i in usual if len(pieces[i][0]) == 1 and _OURS.fullmatch(pieces[i][0])]
    ranked = sorted((i for i in counts if i >= BASE_SPECIAL_IDS), key=lambda i: (-counts[i], i))
    others = (i for i in usual if _OURS.fullmatch(pieces[i][0]))
    return sorted(list(dict.fromkeys([*always, *ranked, *others]))[: limit - SPECIAL_IDS])


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
    """Return a tokenizer of the kept pieces: 0 pads, 1 is unknown, 2 begins, 3 ends, base id `kept[i]` is i + 4."""
    specials = (PAD_PIECE, UNKNOWN_PIECE, BEGIN_PIECE, END_PIECE)
    vocabulary = [(piece, -100.0) for piece in specials]
    vocabulary += [(pieces[i][0], round(pieces[i][1], 3)) for i in kept]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=UNKNOWN_ID, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    return tokenizer


def save_compact(tokenizer: Tokenizer, path: Path) -> None:
    """Write the tokenizer as JSON without spaces and with UTF-8 instead of escapes: half the size."""
    text = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")
