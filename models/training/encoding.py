"""Run an encoder over rows of a corpus without learning.

In: an encoder, a corpus, positions of rows. Out: numpy arrays in the order of the rows. Imports numpy and torch.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.networks.encoder import Encoder
from models.training.batches import framed_rows, with_prefix
from models.training.corpus import Corpus

TOKENS_PER_STEP = 32768


@torch.no_grad()
def encode_rows(
    model: Encoder,
    corpus: Corpus,
    *,
    rows: npt.NDArray[np.int64],
    parts: tuple[str, ...],
    prefix: tuple[int, ...] = (),
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the named parts of `Encoded` for `rows`, in their order; with a prefix they are read without context."""
    model.eval()
    device = next(model.parameters()).device
    order = rows[np.argsort(corpus.lengths()[rows], kind="stable")]
    back = np.argsort(np.argsort(corpus.lengths()[rows], kind="stable"), kind="stable")
    found: dict[str, list[Tensor]] = {part: [] for part in parts}
    for step in _in_steps(order, corpus.lengths(), budget=TOKENS_PER_STEP):
        framed = framed_rows(corpus, step, with_context=np.full(len(step), not prefix))
        ids = torch.from_numpy(with_prefix(framed, prefix)).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=is_fast_in_bfloat16(device)):
            output = model(ids)
        for part in parts:
            found[part].append(getattr(output, part).float())
    return {part: torch.cat(values).cpu().numpy()[back] for part, values in found.items()}


def is_fast_in_bfloat16(device: torch.device) -> bool:
    """Return whether products in bfloat16 are worth their casts: on a GPU, and on a CPU with AMX."""
    return device.type == "cuda" or bool(torch.cpu.get_capabilities().get("amx_bf16"))


def _in_steps(
    rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], *, budget: int
) -> Iterator[npt.NDArray[np.int64]]:
    first = 0
    for last in range(1, len(rows) + 1):
        if last < len(rows) and (last + 1 - first) * lengths[rows[last]] <= budget:
            continue
        yield rows[first:last]
        first = last
