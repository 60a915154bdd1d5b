"""Partitions held by a worker: their arrival, their state, their departure.

In: what the group gives and takes. Out: partitions that are ready, with their state true at the committed offset. On
arrival: committed offset first, then the changelog's end, replay to it, then go.
"""

from collections.abc import Iterable, Mapping

import structlog

from consumers.protocols import Input, Stage
from consumers.runtime.attempts import Mark
from consumers.runtime.changelog import Replay
from consumers.runtime.intake import Intake
from consumers.runtime.state import Overlay, PartitionState
from contracts.errors import StateInvalid
from contracts.settings import Settings

_LOG = structlog.get_logger()


class Partitions:
    """Keep the states of the partitions that one worker holds."""

    def __init__(self, settings: Settings, stage: Stage, *, changelog: str) -> None:
        self._settings = settings
        self._stage = stage
        self._changelog = changelog
        self._replay: Replay | None = None
        self._arriving: dict[Input, int] = {}
        self.ready: dict[Input, PartitionState] = {}
        self.marks: dict[Input, Mark] = {}
        self._unmarked: dict[Input, Mark] = {}
        # The marks that this very process wrote: where it finds one again it has not crashed.
        self._own: dict[Input, tuple[int, Mark]] = {}

    @property
    def arriving(self) -> Mapping[Input, int]:
        """Return the partitions whose state is being replayed."""
        return self._arriving

    def rearrange(self, intake: Intake) -> None:
        """Follow the group: let go of what left, begin to replay what came.

        A state whose offset equals the committed one is still true and is kept.
        """
        self._stop_replay()
        for source in set(self.ready) - intake.held:
            self._drop(source)
        for source in intake.held:
            offset, mark = intake.committed(source)
            intake.seek(source, offset)
            known = self.ready.get(source)
            if known is None or known.offset != offset:
                self._drop(source)
                self._arriving[source] = offset
            self._unmarked[source] = mark
        intake.resume(intake.held - self._arriving.keys())

    def first_marks(self, sources: Iterable[Input]) -> dict[Input, Mark]:
        """Return the mark for the next try of each input that was not tried since it came."""
        runtime = self._settings.runtime
        marks = {}
        for source in sources:
            found = self._unmarked.get(source)
            if found is not None and self._own.get(source) == (self._offset_of(source), found):
                marks[source] = found
            elif found is not None:
                marks[source] = found.arrived(
                    limit=runtime.crash_limit, batch=runtime.transaction_records
                )
        return marks

    def begin(self, intake: Intake, marks: Mapping[Input, Mark]) -> None:
        """Write the marks of what is tried now; raises Rejoin when the group has moved on."""
        new = {
            source: (self._offset_of(source), mark)
            for source, mark in marks.items()
            if mark != self._unmarked[source]
        }
        if new:
            intake.mark(new)
        for source, mark in marks.items():
            del self._unmarked[source]
            self.marks[source] = mark
        self._own |= new

    def standing(self) -> dict[Input, tuple[int, Mark]]:
        """Return the committed (offset, mark) of every partition that is ready."""
        return {
            source: (
                self._offset_of(source),
                self._unmarked.get(source, self.marks.get(source, Mark())),
            )
            for source in self.ready
        }

    def forget_tries(self) -> None:
        """Let the tries so far count as crashes: what was tried cannot be committed."""
        self._own.clear()

    def step(self, intake: Intake, budget_ms: int) -> None:
        """Replay for about `budget_ms`; partitions become ready together."""
        if not self._arriving:
            return
        if self._replay is None:
            self._replay = Replay(
                self._settings.kafka,
                topic=self._changelog,
                sources=self._arriving,
                state_version=self._stage.state_version,
            )
        if self._replay.step(budget_ms):
            self._open(intake, self._replay.states())

    def move(self, offsets: Mapping[Input, tuple[int, Mark]]) -> None:
        """Go on from the offsets of a transaction that is under way; the states are already true there."""
        for source, (offset, mark) in offsets.items():
            self.ready[source].offset = offset
            if source not in self._unmarked:
                self.marks[source] = mark

    def moved(self, offsets: Mapping[Input, tuple[int, Mark]]) -> None:
        """Note the offsets of a transaction that has committed."""
        self._own |= offsets

    def doubt(self, sources: Iterable[Input]) -> None:
        """Trust states no more whose transaction may be lost: where these inputs come again, they are replayed."""
        for source in self.ready.keys() & set(sources):
            self.ready[source].offset = None

    def close(self) -> None:
        """Let go of everything that is arriving; what is ready stays, true at its offset."""
        self._stop_replay()
        self._unmarked.clear()
        self.marks.clear()

    def _offset_of(self, source: Input) -> int:
        offset = self.ready[source].offset
        if offset is None:
            raise StateInvalid(f"the state of {source} has no offset")
        return offset

    def _open(self, intake: Intake, states: Mapping[Input, PartitionState]) -> None:
        for source, state in states.items():
            state.offset = self._arriving[source]
            self.ready[source] = state
            self._stage.opened(source, Overlay(state))
            _LOG.info(
                "partition_ready", topic=source.topic, partition=source.partition,
                offset=state.offset, keys=len(state),
            )  # fmt: skip
        self._stop_replay()
        intake.resume(states)

    def _drop(self, source: Input) -> None:
        if self.ready.pop(source, None) is not None:
            self._stage.closed(source)
        self._unmarked.pop(source, None)
        self.marks.pop(source, None)

    def _stop_replay(self) -> None:
        if self._replay is not None:
            self._replay.close()
            self._replay = None
        self._arriving = {}
