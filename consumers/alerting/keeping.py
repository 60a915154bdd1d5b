"""What is kept of one watch, and under which keys: everything that decisions need, and nothing that grows.

In: the state of a partition. Out: records read from it and written back. Pure but for the state it is given.

    open/WATCH/START       an open pane                         written while mentions come
    counted/WATCH          ids of mentions counted lately
    kept/WATCH             decided panes and steps, samples, when it is due
    curves/WATCH           the last steps of each rule and group
    phrases/WATCH          what is usually said
    base/…, since/…        what is usual (see baselines)
    episode/WATCH/RULE/G   an alert's life
    silences/WATCH         who asked for silence
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from consumers.alerting.panes import HEARD_LIMIT, Counted, History, OpenPane
from consumers.alerting.sampling import Samples
from consumers.alerting.tallies import bound, head_of
from consumers.protocols import State
from contracts.alerts import CurvePoint
from models.keyphrases import PhraseCounts

KEPT = "kept/"
EPISODE = "episode/"
SILENCES = "silences/"
NEVER_MS = 2**62
CURVE_POINTS = 24

T = TypeVar("T", bound=msgspec.Struct)


class Kept(msgspec.Struct, array_like=True):
    """Hold one watch between two decisions.

    `first_ms` is when it was first mentioned, `decided_ms` the end of the last pane that was decided, `due_ms` the end
    of the next one that must be (NEVER_MS: none until a mention comes). `heard_ms` is the newest mention by source
    in the panes that were decided. `samples` are of the bucket in hand since `bucket_ms`, `before` of the one before.
    `models` says for each the end of the last pane of which it scored mentions. `followed` are the groups that are
    counted apart, in the order in which they were first met. `resumed_ms` is since when it is listened for again.
    """

    first_ms: int
    decided_ms: int
    due_ms: int
    history: History = msgspec.field(default_factory=History)
    heard_ms: dict[str, int] = {}
    samples: dict[str, Samples] = {}
    before: dict[str, Samples] = {}
    bucket_ms: int = 0
    models: dict[str, int] = {}
    followed: list[str] = []
    resumed_ms: int = 0

    def resume(self, at_ms: int) -> None:
        """Begin to listen again: who was silent while nobody listened is not known."""
        self.resumed_ms = at_ms
        self.heard_ms = {}

    def follow(self, pane: OpenPane, limit: int, *, heads: Collection[str]) -> None:
        """Leave in a pane the groups that are followed: up to `limit` with the total, in order of appearance.

        Of those that appear in one pane the most mentioned come first, then the first by name. Those of other heads
        than the watch's make room.
        """
        self.followed = [name for name in self.followed if not name or head_of(name) in heads]
        new = sorted(
            pane.groups.keys() - set(self.followed),
            key=lambda name: (-pane.groups[name].mentions, name),
        )
        self.followed += new[: max(0, limit - len(self.followed))]
        for name in pane.groups.keys() - set(self.followed):
            del pane.groups[name]
            pane.samples.pop(name, None)

    def hear(self, heard_ms: Mapping[str, int], *, wanted: Collection[str]) -> None:
        """Note when the sources of a pane spoke; the `wanted` ones are not let go of."""
        for source, at_ms in heard_ms.items():
            self.heard_ms[source] = max(self.heard_ms.get(source, at_ms), at_ms)
        bound(self.heard_ms, HEARD_LIMIT, first=wanted)

    def note_models(self, models: Iterable[str], end_ms: int, *, longest_ms: int) -> None:
        """Note which models scored the pane that ends at `end_ms`; those of no window any more are let go of."""
        self.models = {
            model: at_ms for model, at_ms in self.models.items() if at_ms > end_ms - longest_ms
        } | dict.fromkeys(models, end_ms)

    def models_since(self, begin_ms: int) -> tuple[str, ...]:
        """Return the models that scored mentions since then, in order."""
        return tuple(sorted(model for model, at_ms in self.models.items() if at_ms > begin_ms))


class Curves(msgspec.Struct, array_like=True):
    """Hold the last points of each rule and group."""

    by_rule: dict[str, list[CurvePoint]] = {}

    def add(self, name: str, point: CurvePoint) -> None:
        """Add a step's point and let go of the oldest."""
        self.by_rule[name] = [*self.by_rule.get(name, ()), point][-CURVE_POINTS:]

    def keep_rules(self, ids: Collection[str]) -> None:
        """Let go of the curves of other rules."""
        self.by_rule = {
            name: points for name, points in self.by_rule.items() if name.partition("/")[0] in ids
        }


class Keeping:
    """Read and write what is kept of one watch; each record is decoded and written at most once a batch."""

    def __init__(self, watch_key: str, state: State) -> None:
        self.watch_key = watch_key
        self.state = state

    def kept(self) -> Kept | None:
        """Return the watch's record, None for one that was never mentioned."""
        return self._read(KEPT + self.watch_key, Kept)

    def put_kept(self, kept: Kept) -> None:
        """Write the watch's record."""
        self._put(KEPT + self.watch_key, kept)

    def counted(self) -> Counted:
        """Return which mentions were counted lately."""
        return self._read(f"counted/{self.watch_key}", Counted) or Counted()

    def put_counted(self, counted: Counted) -> None:
        """Write which mentions were counted lately."""
        self._put(f"counted/{self.watch_key}", counted)

    def pane(self, start_ms: int) -> OpenPane | None:
        """Return an open pane."""
        return self._read(self._pane_key(start_ms), OpenPane)

    def put_pane(self, pane: OpenPane) -> None:
        """Write an open pane."""
        self._put(self._pane_key(pane.start_ms), pane)

    def open_starts(self) -> list[int]:
        """Return when each open pane begins, ascending."""
        prefix = f"open/{self.watch_key}/"
        return [int(key.removeprefix(prefix)) for key, _ in self.state.scan(prefix)]

    def drop_pane(self, start_ms: int) -> None:
        """Remove a pane that is decided."""
        self.state.delete(self._pane_key(start_ms))

    def curves(self) -> Curves:
        """Return the last points of each rule."""
        return self._read(f"curves/{self.watch_key}", Curves) or Curves()

    def put_curves(self, curves: Curves) -> None:
        """Write the last points of each rule."""
        self._put(f"curves/{self.watch_key}", curves)

    def phrases(self) -> PhraseCounts:
        """Return what is usually said."""
        return self._read(f"phrases/{self.watch_key}", PhraseCounts) or PhraseCounts()

    def put_phrases(self, phrases: PhraseCounts) -> None:
        """Write what is usually said."""
        self._put(f"phrases/{self.watch_key}", phrases)

    def forget(self) -> None:
        """Remove all that is kept of the watch."""
        for prefix in ("open/", EPISODE, "base/", "since/"):
            for key, _ in list(self.state.scan(f"{prefix}{self.watch_key}/")):
                self.state.delete(key)
        for name in (KEPT, "counted/", "curves/", "phrases/", SILENCES):
            if self.state.get(name + self.watch_key) is not None:
                self.state.delete(name + self.watch_key)

    def _pane_key(self, start_ms: int) -> str:
        return f"open/{self.watch_key}/{start_ms:015d}"

    def _read(self, key: str, record: type[T]) -> T | None:
        raw = self.state.get(key)
        return None if raw is None else _decoder(record).decode(raw)

    def _put(self, key: str, record: msgspec.Struct) -> None:
        self.state.put(key, _ENCODER.encode(record))


def due_times(state: State) -> Iterator[tuple[str, int]]:
    """Yield every watch of which a partition keeps anything, and when it is due."""
    for key, _ in state.scan(SILENCES):
        yield key.removeprefix(SILENCES), NEVER_MS
    for key, raw in state.scan(KEPT):
        yield key.removeprefix(KEPT), _decoder(Kept).decode(raw).due_ms


def _decoder(record: type[T]) -> msgspec.msgpack.Decoder[T]:
    if record not in _DECODERS:
        _DECODERS[record] = msgspec.msgpack.Decoder(record)
    return _DECODERS[record]


_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: dict[type, msgspec.msgpack.Decoder] = {}  # type: ignore[type-arg]
