"""Say what belongs to one head of a user's: its labels, its weights' hash, how it is calibrated, how well it did.

In: `head.json` in a head's folder. Out: a frozen `HeadManifest` and the digest that names the head. Imports contracts,
msgspec and models.protocols.
"""

import hashlib
from collections.abc import Container

import msgspec

from contracts.errors import InvalidInput
from contracts.hub_models import HEAD_NAME, QUERY_FIELDS
from models.protocols import Lang

HEAD_FILE = "head.json"
WEIGHTS_FILE = "weights.npz"
FORMAT = 2


class LabelFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold how one label does in cross-validation, shares in 0...1; `rows` are its examples."""

    rows: int
    precision: float
    recall: float
    f1: float


class HeadFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold how a head does on examples that it was not fitted on (each fold answered by a fit of the others).

    `answered` is the share of examples on which it does not abstain, `answered_accuracy` its accuracy there, and
    `kept_accuracy` the share of all that it answers rightly. `dense_accuracy` and `sparse_accuracy` are what the
    encoder's vectors and the n-grams reach alone. `out_of_scope_recall` is the share of out-of-scope examples on which
    it abstains, None where none were given.
    """

    rows: int
    accuracy: float
    macro_f1: float
    dense_accuracy: float
    sparse_accuracy: float
    calibration_error: float
    answered: float
    answered_accuracy: float
    kept_accuracy: float
    out_of_scope_recall: float | None
    labels: dict[str, LabelFigures]


class HeadManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold everything about one head but its weights.

    `model_version` is the encoder's that its vectors came from, `width` theirs. `dense` and `sparse` are the factors
    that join the two parts' scores into logits (they are the temperature too). It abstains where the entropy of its
    probabilities, as a share of the greatest there can be, is above `entropy_limit`, and in other languages than
    `languages`, those of its examples.
    """

    format: int
    name: str
    labels: tuple[str, ...]
    languages: tuple[Lang, ...]
    model_name: str
    model_version: str
    width: int
    dense: float
    sparse: float
    entropy_limit: float
    limit_rule: str
    weights: str
    weights_sha256: str
    data_sha256: str
    seed: int
    made_by: str
    figures: HeadFigures | None = None
    settings: dict[str, float] = {}


def head_digest(manifest: HeadManifest) -> str:
    """Return 16 hex digits of SHA-256 over all that decides the head's answers."""
    deciding = (
        manifest.format,
        manifest.labels,
        manifest.languages,
        manifest.model_version,
        manifest.dense,
        manifest.sparse,
        manifest.entropy_limit,
        manifest.weights_sha256,
    )
    return hashlib.sha256(msgspec.json.encode(deciding)).hexdigest()[:16]


def check_head_name(name: str, *, taken: Container[str] = (), tables: Container[str] = ()) -> None:
    """Raise `InvalidInput` unless `name` can name a head of a user's: in a folder, in settings and in a query.

    `taken` are the heads that the encoder has itself, `tables` the hub models of the settings.
    """
    if HEAD_NAME.fullmatch(name) is None:
        raise InvalidInput(
            f"head name {name!r}: expected a small letter, then at most 63 small letters, digits, - or _,"
            " such as support-intents"
        )
    for kind, names in (
        ("a field of queries", QUERY_FIELDS),
        ("a head of the encoder's own", taken),
        (f"the table [models.hub.{name}] of the settings", tables),
    ):
        if name in names:
            raise InvalidInput(f"head name {name!r} is {kind}; choose another, such as my-{name}")
