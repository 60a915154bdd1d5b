"""Tiny models of the hub's kinds, made and saved by the tests: real architectures, random but seeded weights.

`save_tiny` writes what `save_pretrained` writes: config, safetensors, and a tokenizer of a few words.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

SENTENCES = [
    "I am so happy today, thank you!",
    "This is terrible, I am angry and afraid.",
    "The flood destroyed the bridge in the city.",
    "今天太生气了，服务差得要命，谢谢你",
    "a man eats bread and plays the violin",
]
MOODS = ("anger", "fear", "joy", "sadness")
WIDTH = 32


def save_tiny(
    folder: Path,
    kind: str = "bert",
    *,
    labels: Sequence[str] | None = MOODS,
    seed: int = 7,
    **config: Any,
) -> Path:
    """Save a model of `kind` with a tokenizer; a sequence classifier, or a bare encoder where `labels` is None."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    tokenizer = make_tokenizer(kind)
    tokenizer.save_pretrained(folder)
    named: dict[str, Any] = {}
    if labels is not None:
        named = {
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
        }
    settings = _sizes(kind) | {"vocab_size": len(tokenizer)} | named | config
    settings.setdefault("pad_token_id", tokenizer.pad_token_id)
    made = transformers.AutoConfig.for_model(kind, **settings)
    auto = (
        transformers.AutoModel
        if labels is None
        else transformers.AutoModelForSequenceClassification
    )
    torch.manual_seed(seed)
    model = auto.from_config(made)
    for parameter in model.parameters():
        # A tiny model's own start is so near to nothing that every text would get the same answer.
        parameter.data += 0.3 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    return folder


def make_tokenizer(kind: str) -> Any:
    """Return a fast tokenizer as `kind` has it: word pieces with [CLS], byte pairs with <s>, or without marks.

    Its pieces are written down rather than trained: training breaks ties anew in every process.
    """
    from transformers import PreTrainedTokenizerFast

    if kind in {"bert", "distilbert", "fnet", "t5"}:
        marks = {
            "unk_token": "[UNK]",
            "pad_token": "[PAD]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
        }
        return PreTrainedTokenizerFast(tokenizer_object=_word_pieces(), **marks)
    marks = {"unk_token": "<unk>", "pad_token": "<pad>", "cls_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=_byte_pairs(around=kind != "gpt2"), **marks)


def _word_pieces() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    letters = sorted(set("".join(SENTENCES).lower()) - {" "})
    words = sorted({word for text in SENTENCES for word in text.lower().replace(",", " ").split()})
    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = dict.fromkeys([*marks, *letters, *(f"##{letter}" for letter in letters), *words])
    numbers = {piece: number for number, piece in enumerate(pieces)}
    core = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer()
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _with_marks(core, begin="[CLS]", end="[SEP]")


def _byte_pairs(*, around: bool) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    merges = [
        ("t", "h"),
        ("th", "e"),
        ("a", "n"),
        ("a", "p"),
        ("ap", "p"),
        ("app", "y"),
        ("i", "s"),
    ]
    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces = [*marks, *letters, *(left + right for left, right in merges)]
    core = Tokenizer(models.BPE({piece: number for number, piece in enumerate(pieces)}, merges))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return _with_marks(core, begin="<s>", end="</s>") if around else core


def _with_marks(core: Any, *, begin: str, end: str) -> Any:
    from tokenizers import processors

    core.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        special_tokens=[(mark, core.token_to_id(mark)) for mark in (begin, end)],
    )
    return core


def _sizes(kind: str) -> dict[str, Any]:
    if kind == "distilbert":
        return {
            "dim": WIDTH,
            "n_layers": 2,
            "n_heads": 4,
            "hidden_dim": 64,
            "max_position_embeddings": 40,
        }
    if kind == "gpt2":
        return {"n_embd": WIDTH, "n_layer": 2, "n_head": 4, "n_positions": 40}
    if kind == "t5":
        return {
            "d_model": WIDTH,
            "d_kv": 8,
            "d_ff": 64,
            "num_layers": 2,
            "num_heads": 4,
            "eos_token_id": 3,
            "decoder_start_token_id": 0,
        }
    return {
        "hidden_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "max_position_embeddings": 40,
    }
