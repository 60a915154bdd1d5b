"""A head that guesses masked pieces, for an encoder that is still to learn a kind of text.

In: padded piece ids, some masked, and where. Out: logits over pieces. Imports torch; training alone imports it.

    logits = norm(gelu(T h)) W' / mean |W| + b        W: the encoder's own word rows, b: begins as log frequency

Reference: Devlin et al., BERT, 2019 (80 % masked, 10 % another piece, 10 % as they are; the head's transform).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.networks.encoder import Encoder
from models.training.vocabulary import END_ID, SPECIAL_IDS, UNKNOWN_ID

MASKED, SWAPPED = 0.8, 0.9


class MaskedModel(nn.Module):
    """An encoder with a transform and a bias of every piece on top; word rows stay as they are."""

    def __init__(self, encoder: Encoder, frequencies: Tensor) -> None:
        super().__init__()
        self.encoder = encoder
        hidden = encoder.shape.hidden
        self.transform = nn.Linear(hidden, hidden)
        self.norm = nn.LayerNorm(hidden, eps=1e-12)
        self.bias = nn.Parameter(frequencies.log())
        self.scale = 1 / float(encoder.words.norm(dim=1).mean())

    def guesses(self, ids: Tensor, chosen: Tensor) -> Tensor:
        """Return the vectors [chosen, hidden] whose products with word rows are logits; `chosen` bool as `ids`."""
        _, last = self.encoder.hidden_states(ids)
        guessed = self.norm(functional.gelu(self.transform(last[chosen])))
        return guessed.float() * self.scale

    def loss(self, guessed: Tensor, truth: Tensor, *, among: Tensor | None = None) -> Tensor:
        """Return the mean loss of `truth` [chosen] among all pieces, or among ascending ids that hold all true ones."""
        rows, bias, at = self.encoder.words, self.bias, truth
        if among is not None:
            rows, bias, at = rows[among], bias[among], torch.searchsorted(among, truth)
        return functional.cross_entropy(guessed @ rows.T + bias, at)


def mask_pieces(ids: Tensor, *, pieces: int, share: float) -> tuple[Tensor, Tensor]:
    """Return (ids, bool of the same shape): what is read, and which pieces are to be guessed; the frame stays."""
    chosen = (torch.rand(ids.shape, device=ids.device) < share) & (ids > END_ID)
    kind = torch.rand(ids.shape, device=ids.device)
    other = torch.randint(SPECIAL_IDS, pieces, ids.shape, device=ids.device)
    read = torch.where(kind < MASKED, UNKNOWN_ID, torch.where(kind < SWAPPED, other, ids))
    return torch.where(chosen, read, ids), chosen
