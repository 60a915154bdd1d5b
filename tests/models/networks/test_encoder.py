"""The encoder: BERT's own answers, and none that depends on padding or on the rows beside one."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.networks.encoder import (  # noqa: E402  (torch first)
    Encoder,
    EncoderShape,
    attend,
    base_weights_of,
    fill_from_base,
    masked_mean,
    text_mask,
)
from models.training.base_encoder import WORD_ROWS, BaseEncoder, build_bert  # noqa: E402
from models.training.vocabulary import BEGIN_ID, END_ID, PAD_ID  # noqa: E402

SHAPE = EncoderShape(
    pieces=40, positions=24, hidden=24, ffn=48, layers=3, attention_heads=4, columns=5
)


def random_base() -> BaseEncoder:
    """Return a BERT of random weights, by the names of transformers."""
    generator = np.random.default_rng(2)
    size, wide = SHAPE.hidden, SHAPE.ffn
    shapes: dict[str, tuple[int, ...]] = {
        WORD_ROWS: (SHAPE.pieces, size),
        "embeddings.position_embeddings.weight": (512, size),
        "embeddings.token_type_embeddings.weight": (2, size),
        "embeddings.LayerNorm.weight": (size,),
        "embeddings.LayerNorm.bias": (size,),
    }
    for layer in range(SHAPE.layers):
        parts = {f"attention.self.{name}": (size, size) for name in ("query", "key", "value")}
        parts |= {"attention.output.dense": (size, size)}
        parts |= {"intermediate.dense": (wide, size), "output.dense": (size, wide)}
        for name, shape in parts.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = shape
            shapes[f"encoder.layer.{layer}.{name}.bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"encoder.layer.{layer}.{name}.weight"] = (size,)
            shapes[f"encoder.layer.{layer}.{name}.bias"] = (size,)
    weights = {name: generator.normal(0, 0.3, s).astype(np.float32) for name, s in shapes.items()}
    return BaseEncoder(
        [], hidden=size, layers=SHAPE.layers, heads=4, ffn=wide, eps=1e-12, weights=weights
    )


@pytest.fixture(autouse=True)
def without_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def model() -> Encoder:
    torch.manual_seed(0)
    encoder = Encoder(SHAPE)
    encoder.eval()
    base = random_base()
    fill_from_base(encoder, {name: torch.from_numpy(v) for name, v in base.weights.items()})
    return encoder


def rows(*texts: list[int], width: int = 0) -> Any:
    """Return framed rows; 0 in a text parts it from its context."""
    framed = []
    for text in texts:
        at = text.index(0) if 0 in text else len(text)
        before = [END_ID, *text[at + 1 :], END_ID] if at < len(text) else []
        framed.append([BEGIN_ID, *text[:at], END_ID, *before])
    size = max(width, *map(len, framed))
    return torch.tensor([row + [PAD_ID] * (size - len(row)) for row in framed])


def test_every_layer_answers_as_berts_own(model: Encoder) -> None:
    pytest.importorskip("transformers")
    ids = rows([5, 6, 7, 8, 9], [10, 11])
    bert = build_bert(random_base())
    theirs = bert(ids, attention_mask=(ids != PAD_ID).long(), output_hidden_states=True)
    middle, last = model.hidden_states(ids)
    real = ids != PAD_ID
    assert torch.allclose(last[real], theirs.last_hidden_state[real], atol=1e-5)
    assert torch.allclose(middle[real], theirs.hidden_states[model.middle][real], atol=1e-5)


def test_padding_and_neighbours_change_nothing(model: Encoder) -> None:
    alone = model(rows([5, 6, 7]))
    among = model(rows([5, 6, 7], [8], [9, 10, 11, 12, 13], width=20))
    for one, many in zip(alone, among, strict=True):
        assert torch.allclose(one[0], many[0], atol=1e-5)


def test_a_context_colours_the_text_and_is_not_pooled(model: Encoder) -> None:
    without, beside = model(rows([5, 6, 7])), model(rows([5, 6, 7, 0, 20, 21]))
    # Given the same text with a context, the logits are others
    assert not torch.allclose(without.logits, beside.logits, atol=1e-3)
    # yet what is pooled are the states of the text's own five places
    _, last = model.hidden_states(rows([5, 6, 7, 0, 20, 21]))
    assert torch.allclose(beside.last[0], last[0, :5].mean(0), atol=1e-6)


def test_the_text_ends_with_its_first_end() -> None:
    mask = text_mask(rows([5, 6, 0, 7], [5], width=10))
    assert mask.int().tolist() == [[1] * 4 + [0] * 6, [1] * 3 + [0] * 7]
    assert text_mask(torch.full((1, 3), PAD_ID)).tolist() == [[0.0] * 3]


def test_a_row_without_pieces_has_a_mean_of_zero() -> None:
    assert masked_mean(torch.ones(1, 3, 2), torch.zeros(1, 3)).tolist() == [[0.0, 0.0]]


def test_logits_are_linear_in_the_mean_of_the_last_layer(model: Encoder) -> None:
    output = model(rows([5, 6, 7]))
    assert torch.allclose(output.logits, model.heads(output.last), atol=1e-5)
    assert torch.allclose(output.embedding.norm(dim=1), torch.ones(1))


def test_likeness_begins_as_the_last_layers_own(model: Encoder) -> None:
    output = model(rows([5, 6, 7], [8, 9]))
    unit = output.last / output.last.norm(dim=1, keepdim=True)
    assert torch.allclose(output.embedding, unit, atol=1e-5)


def test_what_is_filled_from_a_base_is_given_back_by_the_same_names(model: Encoder) -> None:
    base = random_base().weights
    back = base_weights_of(model)
    assert set(base) - set(back) == {name for name in base if "_embeddings." in name}
    assert all(np.array_equal(values.numpy(), base[name]) for name, values in back.items())


def test_attention_is_the_same_with_gradients_and_without() -> None:
    # Given rows of which one is padded
    generator = torch.Generator().manual_seed(3)
    qkv = torch.randn(3, 2, 4, 7, 6, generator=generator)
    mask = torch.ones(2, 1, 1, 7, dtype=torch.bool)
    mask[1, ..., 4:] = False
    # When it is computed as in training and as in serving
    with torch.enable_grad():
        written_out = attend(qkv, mask)
    # Then nothing differs
    torch.testing.assert_close(written_out, attend(qkv, mask))
