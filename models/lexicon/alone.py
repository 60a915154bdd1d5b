"""Ask the network what each piece of its vocabulary says alone.

In: a started engine and how it frames a text. Out: for each piece and emotion log(P(emotion | piece alone) x emotions):
above 0 where the piece by itself makes the emotion likelier than chance. Imports numpy and models.protocols.

Made once, when a model is exported: 55,000 pieces are 55,000 texts of one piece. Float16, 0.9 MB for 8 labels.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from models.protocols import Engine, FloatArray, TokenBatch

BATCH_PIECES = 1024
Table = npt.NDArray[np.float16]


def said_alone(
    engine: Engine,
    pieces: int,
    *,
    head: str,
    framed: Callable[[int], Sequence[int]],
) -> Table:
    """Return float16 [pieces, labels]; `framed` gives the ids of a text of one piece, all of one length."""
    parts = []
    for first in range(0, pieces, BATCH_PIECES):
        ids = np.array(
            [framed(piece) for piece in range(first, min(pieces, first + BATCH_PIECES))], np.int64
        )
        output = engine.run(TokenBatch(ids, np.ones_like(ids)))
        parts.append(over_chance(output.logits[head]))
    return np.concatenate(parts)


def over_chance(logits: FloatArray) -> Table:
    """Return log(softmax x labels), row by row.

    >>> over_chance(np.array([[1.0, 0.0]], np.float32)).round(2).tolist()
    [[0.3798828125, -0.6201171875]]
    """
    shifted = logits - logits.max(1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    table: Table = (log_probabilities + np.log(logits.shape[1])).astype(np.float16)
    return table
