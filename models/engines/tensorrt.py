"""Run the network with TensorRT on a GPU, from a plan that was built and certified before.

In: padded piece ids. Out: logits a head and unit vectors, as `EngineOutput` says. Imports TensorRT and CUDA's bindings
lazily, in `start`. Builds nothing: `hubbub models build --engine tensorrt` does, and proves on this very GPU that the
labels are those of float32; a plan without that proof is not used.

A batch goes to the narrowest profile that takes it, padded to its width, in parts where it has more rows. Padding is
masked, so it changes no answer beyond the rounding of a GPU.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from contracts.errors import EngineFailed, ModelInvalid
from models.engines.cuda_device import CudaDevice
from models.engines.ort import EMBEDDING, FURTHER, LOGITS_PREFIX
from models.engines.plan_cache import PlanCache, PlanKey, PlanRecord
from models.engines.tensorrt_building import PLAN_TOKENS, SHAPES, Profile
from models.engines.tensorrt_graph import RECIPE
from models.engines.tensorrt_library import Library, find_library
from models.engines.tensorrt_running import PlanRunner
from models.protocols import EngineOutput, FloatArray, TokenBatch

ANY_GPU = "any"


def plan_key(path: Path, library: Library, *, gpu: str) -> PlanKey:
    """Return the key of the plan of an ONNX file on the GPU of that name. Raises `ModelInvalid` without the file."""
    try:
        with path.open("rb") as file:
            model = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelInvalid(f"cannot read {path}: {error.strerror}") from error
    gpu = ANY_GPU if library.builds_anywhere else gpu
    return PlanKey(model, RECIPE, library.name, library.version, gpu, SHAPES)


class TensorRtEngine:
    """Run the certified plan of one ONNX file.

    `needs_certificate` is False only while a certificate is made.
    """

    def __init__(
        self,
        path: Path,
        labels: Mapping[str, tuple[str, ...]],
        *,
        plans: PlanCache,
        needs_certificate: bool = True,
    ) -> None:
        self._path = path
        self._labels = labels
        self._plans = plans
        self._needs_certificate = needs_certificate
        self._device = CudaDevice()
        self._runner: PlanRunner | None = None
        self._profiles: tuple[Profile, ...] = ()
        self._pieces = 0

    @property
    def name(self) -> str:
        """Return `tensorrt`."""
        return "tensorrt"

    @property
    def batch_tokens(self) -> int:
        """Return what the largest profile takes."""
        return PLAN_TOKENS

    @property
    def pass_tokens(self) -> None:
        """Return None: a GPU is not full before the largest profile is."""
        return None

    def start(self) -> None:
        """Load the plan onto the GPU.

        Raises `MissingExtra` without TensorRT, `EngineFailed` without a GPU, a whole plan or a certificate for both,
        `ModelInvalid` where the plan lacks an output.
        """
        library = find_library()
        try:
            self._device.start()
            gpu = self._device.name
            key = plan_key(self._path, library, gpu=gpu)
            stored = (
                self._plans.read_certified(key, gpu=gpu)
                if self._needs_certificate
                else self._plans.read_plan(key)
            )
            self._runner = self._started(library, stored.plan, record=stored.record)
        except RuntimeError as error:
            self.close()
            raise EngineFailed(f"TensorRT broke as it loaded the plan: {error}") from error
        except Exception:
            self.close()
            raise

    def _started(self, library: Library, plan: bytes, *, record: PlanRecord) -> PlanRunner:
        self._pieces = record.pieces
        self._profiles = tuple(Profile(*each) for each in record.profiles)
        runner = PlanRunner(library, self._device)
        runner.start(plan, self._profiles)
        lacking = {EMBEDDING, *(LOGITS_PREFIX + head for head in self._labels)}.difference(
            runner.outputs
        )
        if lacking:
            raise ModelInvalid(
                f"the plan of {self._path} lacks the outputs {sorted(lacking)} that its manifest promises"
            )
        return runner

    def run(self, batch: TokenBatch) -> EngineOutput:
        """Return logits and unit vectors, one row a text, in the same order.

        Raises `ModelInvalid` for ids or widths that the network does not know, `EngineFailed` where the GPU fails.
        """
        if self._runner is None:
            raise ModelInvalid("the engine `tensorrt` was used before start() or after close()")
        rows, width = batch.input_ids.shape
        at = self._profile_of(batch)
        try:
            parts = [
                self._runner.run(at, part.input_ids, mask=part.attention_mask)
                for part in parts_of(batch, self._profiles[at])
            ]
        except RuntimeError as error:  # what the bindings raise by themselves
            raise EngineFailed(
                f"TensorRT broke at {rows} rows of {width} pieces: {error}"
            ) from error
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return output_of(found, self._labels, shape=(rows, width))

    def _profile_of(self, batch: TokenBatch) -> int:
        rows, width = batch.input_ids.shape
        at = fitting_profile(self._profiles, width)
        if at is None or not 0 <= batch.input_ids.min() <= batch.input_ids.max() < self._pieces:
            raise ModelInvalid(
                f"the plan of {self._path} cannot run {rows} rows of {width} pieces up to"
                f" {batch.input_ids.max()}: it reads {self._profiles[-1].width} of {self._pieces} known pieces"
            )
        return at

    def close(self) -> None:
        """Free the plan, then the memory."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None
        self._device.close()


def fitting_profile(profiles: tuple[Profile, ...], width: int) -> int | None:
    """Return the place of the narrowest profile that takes `width`; None where none does.

    >>> fitting_profile((Profile(16, 256), Profile(32, 256)), 17)
    1
    """
    return next((at for at, profile in enumerate(profiles) if width <= profile.width), None)


def parts_of(batch: TokenBatch, profile: Profile) -> list[TokenBatch]:
    """Return the batch padded to the profile's width, in parts of no more rows than it has."""
    rows, width = batch.input_ids.shape
    padding = ((0, 0), (0, profile.width - width))
    # What stands in a masked place is never read: any piece will do.
    ids = np.pad(batch.input_ids, padding)
    mask = np.pad(batch.attention_mask, padding)
    return [
        TokenBatch(ids[first : first + profile.rows], mask[first : first + profile.rows])
        for first in range(0, rows, profile.rows)
    ]


def output_of(
    found: dict[str, FloatArray],
    labels: Mapping[str, tuple[str, ...]],
    *,
    shape: tuple[int, int],
) -> EngineOutput:
    """Return the named arrays of a batch of `shape` as an answer, without the padded places.

    Raises `EngineFailed` where a head is not [rows, labels].
    """
    rows, width = shape
    logits = {head: found[LOGITS_PREFIX + head] for head in labels}
    for head, values in logits.items():
        if values.shape != (rows, len(labels[head])):
            raise EngineFailed(
                f"the plan gave {head} of shape {values.shape}, expected {(rows, len(labels[head]))}"
            )
    pooled, shares = (found.get(name) for name in FURTHER)
    return EngineOutput(
        logits, found[EMBEDDING], pooled, None if shares is None else shares[:, :width]
    )
