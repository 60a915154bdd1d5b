"""How many records to take into one transaction: few while few wait, so that the first of them is not kept by the last.

In: how long the last portions took, how many records wait. Out: the most to take next. Pure.

Records that are taken together are told together. With n records waiting, each taking t, one large portion tells the
first after n x t and the last after n x t as well; small ones tell the first soon and the last hardly later. Where much
waits anyway, large portions are worth it: each costs a fetch and a commit, and texts of like length find each other.

    quick = what is worked off in the target time, at least 1
    most  = quick while no more than `MUCH` x quick wait, else the limit

Here each record takes 2 ms:

>>> portion = Portion(1000, target_s=0.15)
>>> portion.note(100, 0.2)
>>> portion.most(0), portion.most(300), portion.most(301)
(75, 75, 1000)
"""

from typing import Self

from contracts.settings import RuntimeSettings

MUCH = 4
# How much the newest portion says of the time that a record takes.
NEWEST = 0.2


class Portion:
    """Choose portions of at most `limit` records; few wait no longer than `target_s` for one another."""

    def __init__(self, limit: int, *, target_s: float) -> None:
        self._limit = limit
        self._target_s = target_s
        self._record_s = 0.0

    @classmethod
    def of(cls, settings: RuntimeSettings) -> Self:
        """Return what the settings ask for."""
        return cls(settings.transaction_records, target_s=settings.portion_ms / 1000)

    def note(self, records: int, seconds: float) -> None:
        """Take in how long some records took."""
        if records < 1:
            return
        spent = seconds / records
        if self._record_s:
            self._record_s += NEWEST * (spent - self._record_s)
        else:
            self._record_s = spent

    def most(self, waiting: int) -> int:
        """Return the most to take while so many wait; the limit as long as no record's time is known."""
        if not self._record_s:
            return self._limit
        quick = max(1, round(self._target_s / self._record_s))
        return min(self._limit, quick) if waiting <= MUCH * quick else self._limit
