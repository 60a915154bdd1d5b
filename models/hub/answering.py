"""Turn what a hub model read into answers of one head, and name all that decides them.

In: a `Reading` and each text's language. Out: `HeadScore`s in input order, a digest. Imports contracts, models.hub and
models.scoring; pure but for the digest, which reads the model's files.
"""

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np

from contracts.errors import ModelInvalid
from contracts.hub_models import HubModel
from contracts.scores import HeadScore
from models.calibration import Calibrated
from models.hub.folder import digest_of
from models.hub.labels import LEAST_KEPT, LabelMap
from models.hub.reading import Reading
from models.hub.source import HubSource
from models.manifest import FEATURES_VERSION
from models.protocols import Lang
from models.scoring import head_scores

# Raised whenever models/hub changes what a text and a model turn into.
HUB_FORMAT = 1
UNDECIDING = {"model", "revision", "strict"}


def answers(
    reading: Reading, langs: Sequence[Lang], *, labels: LabelMap, model: HubModel
) -> list[HeadScore]:
    """Return one answer a row.

    It abstains without pieces, in a language that the model is not for, below the threshold, and where most of the
    model's probability lies on labels that were dropped. Raises `ModelInvalid` for logits that are not finite.
    """
    if reading.logits is None or not np.isfinite(reading.logits).all():
        raise ModelInvalid(f"{model.model} gave logits that are not finite")
    table, kept = labels.probabilities(reading.logits, temperature=model.temperature)
    best = table.argmax(axis=1)
    top = table[np.arange(len(best)), best]
    is_foreign = np.array([lang not in model.languages for lang in langs])
    calibrated = Calibrated(
        table.astype(np.float32), best, is_foreign | (top < model.threshold) | (kept < LEAST_KEPT)
    )
    is_empty = np.array([count == 0 for count in reading.tokens])
    return head_scores(calibrated, labels.ours, is_empty=is_empty)


def version_of(source: HubSource, *, readers: str = "") -> str:
    """Return 16 hex digits of SHA-256 over files and settings that decide an answer; `readers` names outside code.

    Raises `ModelInvalid` where the files are not all there.
    """
    decided = source.model.model_dump(mode="json", exclude=UNDECIDING)
    parts = (HUB_FORMAT, FEATURES_VERSION, digest_of(source.whole()), decided, readers)
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]
