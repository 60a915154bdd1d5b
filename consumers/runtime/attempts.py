"""Attempts: how often a worker has ended at one offset, so that one bad record cannot end workers for ever.

In: the metadata kept beside a committed offset. Out: what to do with the records from there. Pure.

A worker marks the offset before its first try there ({"c": crashes so far + 1}); a commit that moves on clears it.
After `limit` crashes the records of that batch go one by one ({"k": how many are left}), each marked in the commit of
the one before it; a record that ends its worker `limit` times alone is a dead letter. A worker that lives on
after it lost its clients has not crashed, and does not count.

>>> mark = Mark().arrived(limit=3, batch=1000)
>>> mark.text()
'{"c":1}'
>>> third = Mark.read('{"c":3}').arrived(limit=3, batch=1000)
>>> third.alone, third.is_poison(3)
(True, False)
>>> Mark.read('{"c":3,"k":1000}').arrived(limit=3, batch=1000).is_poison(3)
True
"""

import msgspec


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold the tries begun at a committed offset, `c`, and how many records from it go alone, `k`."""

    c: int = 0
    k: int = 0

    @classmethod
    def read(cls, metadata: str | None) -> "Mark":
        """Return the mark of a committed offset; metadata of another program counts as none."""
        try:
            return _DECODER.decode(metadata or "{}")
        except msgspec.DecodeError:
            return cls()

    def text(self) -> str:
        """Return the metadata to commit, empty for a clean mark."""
        return msgspec.json.encode(self).decode() if self.c or self.k else ""

    def arrived(self, *, limit: int, batch: int) -> "Mark":
        """Return the mark to commit before the first try after an arrival."""
        if self.c >= limit and not self.k:
            return Mark(c=1, k=batch)
        return Mark(c=self.c + 1, k=self.k)

    @property
    def alone(self) -> bool:
        """Say that records go one by one."""
        return self.k > 0

    @property
    def is_first_try(self) -> bool:
        """Say that what is tried here is the first since an arrival, or goes alone."""
        return self != Mark()

    def is_poison(self, limit: int) -> bool:
        """Say that the record at this offset, alone, has ended its worker `limit` times."""
        return self.alone and self.c > limit

    def part_done(self) -> "Mark":
        """Return the mark to commit where work was done and the offset stands: tries from here count anew."""
        return Mark(c=min(self.c, 1), k=self.k)

    def moved_on(self) -> "Mark":
        """Return the mark to commit with the next offset, after one record alone."""
        return Mark(c=1, k=self.k - 1) if self.k > 1 else Mark()


_DECODER = msgspec.json.Decoder(Mark)
