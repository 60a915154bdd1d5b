"""Ask the base encoder for the vectors of our texts, in shards that survive an interruption.

In: texts and the base encoder. Out: `teacher.npy`, float16 [texts, 384], unit rows in the order of the texts.
Imports numpy and tokenizers; torch lazily.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from tokenizers import Tokenizer

from models.batching import pad_batch, plan_batches
from models.protocols import FloatArray
from models.training.base_encoder import BaseEncoder, build_bert
from models.training.config import TeacherConfig
from models.training.vocabulary import base_tokenizer

SHARD_TEXTS = 4096
PAD_ID = 1

log = structlog.get_logger()


def teacher_vectors(
    encoder: BaseEncoder, texts: Sequence[str], *, config: TeacherConfig, cache: Path
) -> FloatArray:
    """Return unit vectors float32 [texts, hidden]; finished shards under `cache` are read instead of computed."""
    cache.mkdir(parents=True, exist_ok=True)
    tokenizer = base_tokenizer(encoder.pieces)
    tokenizer.enable_truncation(config.token_limit)
    model = None
    shards = []
    for first in range(0, len(texts), SHARD_TEXTS):
        path = cache / f"shard-{first:07d}.npy"
        if not path.exists():
            model = model or build_bert(encoder)
            began = time.monotonic()
            rows = framed(tokenizer, texts[first : first + SHARD_TEXTS], prefix=config.prefix)
            vectors = encode(model, rows, token_budget=config.batch_tokens)
            _write_whole(path, vectors.astype(np.float16))
            rate = len(vectors) / (time.monotonic() - began)
            log.info(
                "teacher_shard", done=first + len(vectors), texts=len(texts), per_second=round(rate)
            )
        shards.append(np.load(path).astype(np.float32))
    return np.concatenate(shards)


def _write_whole(path: Path, array: np.ndarray[Any, Any]) -> None:
    partial = path.with_suffix(".partial.npy")
    np.save(partial, array)
    partial.rename(path)


def framed(tokenizer: Tokenizer, texts: Sequence[str], *, prefix: str) -> list[list[int]]:
    """Return each text's base ids as `<s> prefix text </s>`."""
    return [encoding.ids for encoding in tokenizer.encode_batch([prefix + text for text in texts])]


def encode(model: Any, rows: Sequence[Sequence[int]], *, token_budget: int) -> FloatArray:
    """Return unit mean-pooled vectors float32 [rows, hidden], in the order of `rows`."""
    import torch

    out = np.empty((len(rows), model.config.hidden_size), np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for batch in plan_batches([len(row) for row in rows], token_budget=token_budget):
            padded = pad_batch([rows[i] for i in batch.positions], batch.width, pad_id=PAD_ID)
            mask = torch.from_numpy(padded.attention_mask)
            hidden = model(
                torch.from_numpy(padded.input_ids), attention_mask=mask
            ).last_hidden_state.float()
            pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            out[list(batch.positions)] = torch.nn.functional.normalize(pooled, dim=1).numpy()
    return out
