"""Retries: the whole batch, again, with growing waits; then the error's disposition decides.

In: a batch and what processes it. Out: an outcome, or the decision to go record by record. Imports contracts and the
rest of the runtime; knows no stage.
"""

from collections.abc import Callable

import structlog

from consumers.protocols import Batch
from consumers.runtime.outcome import BatchOutcome
from contracts import telemetry
from contracts.errors import HubbubError
from contracts.settings import RuntimeSettings

LONGEST_WAIT_MS = 10_000
_LOG = structlog.get_logger()


class StageFailed(HubbubError):
    """Stop: a stage raised what is none of our errors, and went on doing so."""

    code = "stage_failed"


class GoSingly(HubbubError):
    """Ask for the batch record by record: one of them cannot be used, and nobody knows which."""

    code = "go_singly"


class Retries:
    """Try a batch until it is processed or its error decides.

    `wait` is called with milliseconds between tries and must keep the worker in its group.
    """

    def __init__(
        self, stage: str, runtime: RuntimeSettings, *, wait: Callable[[int], None]
    ) -> None:
        self._stage = stage
        self._runtime = runtime
        self._wait = wait

    def run(
        self,
        batch: Batch,
        attempt: Callable[[], BatchOutcome],
        *,
        dead: Callable[[HubbubError], BatchOutcome],
    ) -> BatchOutcome:
        """Return the outcome of `attempt`, or of `dead` for a single record that cannot be used.

        Raises GoSingly for several records of which one cannot, and whatever has the disposition `crash`.
        """
        tries, wait_ms = 0, self._runtime.backoff_ms
        while True:
            try:
                return attempt()
            except HubbubError as error:
                failure = error
            except Exception as error:  # noqa: BLE001  a stage's own fault, decided below
                failure = StageFailed(f"{type(error).__name__}: {error}")
                failure.__cause__ = error
            tries += 1
            telemetry.RETRIES.labels(self._stage, failure.code).inc()
            _LOG.warning(
                "batch_failed",
                stage=self._stage,
                code=failure.code,
                reason=str(failure),
                tries=tries,
            )
            if tries >= self._runtime.tries and failure.disposition != "retry":
                return self._decide(failure, batch, dead=dead)
            self._wait(wait_ms)
            wait_ms = min(wait_ms * 2, LONGEST_WAIT_MS)

    @staticmethod
    def _decide(
        failure: HubbubError, batch: Batch, *, dead: Callable[[HubbubError], BatchOutcome]
    ) -> BatchOutcome:
        if failure.disposition == "crash":
            raise failure
        if batch.size > 1:
            raise GoSingly(str(failure)) from failure
        return dead(failure)
