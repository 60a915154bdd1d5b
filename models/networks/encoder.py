"""The text encoder as a torch module: BERT's layers, one projection for likeness, one linear layer for all heads.

In: padded piece ids int64 [rows, width]. Out: pooled vectors, the unit embedding, logits of every label column.
Imports torch; training and tests alone import it.

A row is framed as  begin, text, end [, end, context, end], padding. Every piece attends to every other, but only those
up to the first end are pooled: a context colours its text and is not told as part of it.

    last, middle = mean over the text's pieces of the last layer, of the layer two thirds up
    logits       = W last + b                 (linear, so that each piece's share of a logit is exact)
    embedding    = unit(P [middle, last])

References: Devlin et al., BERT, 2019 (post-norm layers); Wang et al., Multilingual E5, 2024 (its first weights).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.vocabulary import END_ID, PAD_ID

LAYER_PARTS = {
    "attention.output.dense": "attended",
    "attention.output.LayerNorm": "attended_norm",
    "intermediate.dense": "widen",
    "output.dense": "narrow",
    "output.LayerNorm": "norm",
}


class EncoderShape(NamedTuple):
    """Hold the sizes of an encoder."""

    pieces: int
    positions: int
    hidden: int
    ffn: int
    layers: int
    attention_heads: int
    columns: int


class Encoded(NamedTuple):
    """Hold one pass: `last`, `middle` and the unit rows `embedding`, all [rows, hidden]; `logits` [rows, columns]."""

    last: Tensor
    middle: Tensor
    embedding: Tensor
    logits: Tensor


class EncoderLayer(nn.Module):
    """One layer: attention over all pieces, then two linear layers, each added and normalised."""

    def __init__(self, shape: EncoderShape, *, dropout: float) -> None:
        super().__init__()
        self.parts = shape.attention_heads
        self.dropout = dropout
        self.qkv = nn.Linear(shape.hidden, 3 * shape.hidden)
        self.attended = nn.Linear(shape.hidden, shape.hidden)
        self.attended_norm = nn.LayerNorm(shape.hidden, eps=1e-12)
        self.widen = nn.Linear(shape.hidden, shape.ffn)
        self.narrow = nn.Linear(shape.ffn, shape.hidden)
        self.norm = nn.LayerNorm(shape.hidden, eps=1e-12)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Return the next [rows, width, hidden]; `mask` bool [rows, 1, 1, width]."""
        rows, width, size = hidden.shape
        qkv = self.qkv(hidden).view(rows, width, 3, self.parts, size // self.parts)
        mixed = attend(qkv.permute(2, 0, 3, 1, 4), mask)
        mixed = self.attended(mixed.transpose(1, 2).reshape(rows, width, size))
        hidden = self.attended_norm(hidden + self._drop(mixed))
        wide = functional.gelu(self.widen(hidden))
        return self.norm(hidden + self._drop(self.narrow(wide)))

    def _drop(self, values: Tensor) -> Tensor:
        return functional.dropout(values, self.dropout, self.training)


class Encoder(nn.Module):
    """The whole network. Word and position rows are frozen buffers: few texts would only bend them."""

    def __init__(self, shape: EncoderShape, *, dropout: float = 0.1) -> None:
        super().__init__()
        self.shape = shape
        self.dropout = dropout
        self.register_buffer("words", torch.zeros(shape.pieces, shape.hidden), persistent=False)
        self.register_buffer(
            "positions", torch.zeros(shape.positions, shape.hidden), persistent=False
        )
        self.norm = nn.LayerNorm(shape.hidden, eps=1e-12)
        self.layers = nn.ModuleList(
            EncoderLayer(shape, dropout=dropout) for _ in range(shape.layers)
        )
        self.project = nn.Linear(2 * shape.hidden, shape.hidden)
        self.heads = nn.Linear(shape.hidden, shape.columns)

    @property
    def middle(self) -> int:
        """Return how many layers lie below the middle vector."""
        return max(1, (2 * self.shape.layers) // 3)

    def forward(self, ids: Tensor) -> Encoded:
        """Run the network on framed rows."""
        text = text_mask(ids)
        middle, last = self.hidden_states(ids)
        pooled = [masked_mean(states.float(), text) for states in (middle, last)]
        embedding = functional.normalize(self.project(torch.cat(pooled, dim=1)).float(), dim=1)
        head_input = functional.dropout(pooled[1], self.dropout, self.training)
        return Encoded(pooled[1], pooled[0], embedding, self.heads(head_input).float())

    def hidden_states(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return the middle and the last layer's [rows, width, hidden]."""
        states = self.layer_states(ids)
        return states[self.middle], states[-1]

    def layer_states(self, ids: Tensor) -> list[Tensor]:
        """Return the embedded pieces [rows, width, hidden] and what each layer makes of them."""
        mask = (ids != PAD_ID)[:, None, None, :]
        hidden = self.norm(self.words[ids] + self.positions[: ids.shape[1]])
        states = [functional.dropout(hidden, self.dropout, self.training)]
        for layer in self.layers:
            states.append(layer(states[-1], mask))
        return states


def attend(qkv: Tensor, mask: Tensor) -> Tensor:
    """Return what each piece takes from the others, [rows, parts, width, size].

    `qkv` [3, rows, parts, width, size] are queries, keys and values; `mask` is true where one may look.

    Where gradients are wanted on a CPU it is written out: torch's own takes six times as long there, in bfloat16.
    """
    query, key, value = qkv
    if qkv.is_cuda or not torch.is_grad_enabled():
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    alike = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-1, -2))
    shares = alike.masked_fill(~mask, -1e4).softmax(-1)
    return torch.matmul(shares.to(value.dtype), value)


def text_mask(ids: Tensor) -> Tensor:
    """Return float [rows, width]: 1 up to and with the first end piece."""
    ends = (ids == END_ID).long()
    return ((ends.cumsum(1) - ends == 0) & (ids != PAD_ID)).float()


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of `states` [rows, width, hidden] where `mask` [rows, width] is 1."""
    total = (states * mask[..., None]).sum(1)
    return total / mask.sum(1, keepdim=True).clamp(min=1.0)


def fill_from_base(model: Encoder, weights: dict[str, Tensor]) -> None:
    """Fill words, positions and layers from the weights of a BERT with our pieces alone.

    The projection begins as the last layer's own vector, so that likeness starts where the base encoder's stands.
    """
    word, kind = (
        weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "token_type")
    )
    positions = weights["embeddings.position_embeddings.weight"]
    with torch.no_grad():
        model.words.copy_(word)
        model.positions.copy_(positions[: model.shape.positions] + kind[0])
        _fill(model.norm, weights, name="embeddings.LayerNorm")
        for at, layer in enumerate(model.layers):
            prefix = f"encoder.layer.{at}."
            names = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
            layer.qkv.weight.copy_(torch.cat([weights[f"{name}.weight"] for name in names]))
            layer.qkv.bias.copy_(torch.cat([weights[f"{name}.bias"] for name in names]))
            for theirs, ours in LAYER_PARTS.items():
                _fill(getattr(layer, ours), weights, name=prefix + theirs)
        hidden = model.shape.hidden
        model.project.weight.zero_()
        model.project.weight[:, hidden:] = torch.eye(hidden)
        model.project.bias.zero_()


def _fill(part: nn.Module, weights: dict[str, Tensor], *, name: str) -> None:
    part.weight.copy_(weights[f"{name}.weight"])
    part.bias.copy_(weights[f"{name}.bias"])


def base_weights_of(model: Encoder) -> dict[str, Tensor]:
    """Return the weights that `fill_from_base` filled and training may have moved, by their names in a BERT."""
    found = _part_of(model.norm, name="embeddings.LayerNorm")
    for at, layer in enumerate(model.layers):
        prefix = f"encoder.layer.{at}."
        for kind in ("weight", "bias"):
            parts = getattr(layer.qkv, kind).detach().chunk(3)
            for part, values in zip(("query", "key", "value"), parts, strict=True):
                found[f"{prefix}attention.self.{part}.{kind}"] = values.clone()
        for theirs, ours in LAYER_PARTS.items():
            found |= _part_of(getattr(layer, ours), name=prefix + theirs)
    return found


def _part_of(part: nn.Module, *, name: str) -> dict[str, Tensor]:
    return {f"{name}.{kind}": getattr(part, kind).detach().clone() for kind in ("weight", "bias")}
