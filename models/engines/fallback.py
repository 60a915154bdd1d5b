"""Several engines as one: where one cannot start or breaks in the middle, the next goes on, told in log and metric.

In: engines, the first choice first. Out: one `Engine`. Imports no engine's library.

    tensorrt ──fails──► pytorch ──fails──► ort ──fails──► the error is the caller's

An engine that failed stays closed until the process starts anew: what broke it mostly breaks it again, and a batch that
waits for that each time is late each time. A pass planned for one engine is cut to the next one's size.
"""

from collections.abc import Sequence

import structlog

from contracts import telemetry
from contracts.errors import EngineFailed, HubbubError, MissingExtra, ModelInvalid
from models.forwarding import joined_outputs
from models.protocols import Engine, EngineOutput, TokenBatch

_LOG = structlog.get_logger()


class FallbackEngine:
    """Run the first of `engines` that can."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._left = list(engines)
        self._has_choice = len(engines) > 1
        self._is_wanted = self._is_started = False

    @property
    def name(self) -> str:
        """Return the name of the engine in use."""
        return self._left[0].name

    @property
    def batch_tokens(self) -> int:
        """Return what the engine in use reads fastest."""
        return self._left[0].batch_tokens

    @property
    def pass_tokens(self) -> int | None:
        """Return what a pass costs on the engine in use."""
        return self._left[0].pass_tokens

    def start(self) -> None:
        """Start the first that can. Raises what the last one raises, which may be tried again by `run`."""
        self._is_wanted = True
        while True:
            try:
                _start(self._left[0])
            except (EngineFailed, MissingExtra, ModelInvalid) as error:
                self._drop(error)
                continue
            if self._has_choice:
                _LOG.info("engine_started", engine=self.name)
            telemetry.ENGINE.labels(self.name).set(1)
            self._is_started = True
            return

    def run(self, batch: TokenBatch) -> EngineOutput:
        """Run one pass on the engine in use, or on the next where that fails; raises what the last one raises."""
        if self._is_wanted and not self._is_started:
            # What the last engine lacked when it was to start, such as memory, may be there now.
            self.start()
        parts = [batch]
        while True:
            try:
                return joined_outputs([self._left[0].run(part) for part in parts])
            except EngineFailed as error:
                self._drop(error)
                self.start()
                parts = self._parts(batch)

    def close(self) -> None:
        """Close the engine in use."""
        self._is_wanted = False
        self._close_first()

    def _close_first(self) -> None:
        if self._is_started:
            telemetry.ENGINE.labels(self.name).set(0)
        self._is_started = False
        self._left[0].close()

    def _drop(self, error: HubbubError) -> None:
        """Let go of the engine in use; raises `error` where it is the last."""
        if len(self._left) == 1:
            raise error
        failed = self._left[0]
        self._close_first()
        del self._left[0]
        telemetry.FALLBACKS.labels(failed.name, error.code).inc()
        _LOG.warning(
            "engine_fell_back", engine=failed.name, to=self.name, code=error.code, why=str(error)
        )

    def _parts(self, batch: TokenBatch) -> list[TokenBatch]:
        """Return a batch that was planned for another engine in rows that the one in use reads well."""
        rows, width = batch.input_ids.shape
        each = max(1, self.batch_tokens // max(1, width))
        return [
            TokenBatch(batch.input_ids[at : at + each], batch.attention_mask[at : at + each])
            for at in range(0, rows, each)
        ] or [batch]


def _start(engine: Engine) -> None:
    """Start an engine; whatever its library raises is that engine's failure: memory, a broken library, a driver."""
    try:
        engine.start()
    except HubbubError:
        raise
    except Exception as error:
        raise EngineFailed(f"the engine {engine.name!r} cannot start: {error!r}") from error
