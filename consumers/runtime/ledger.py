"""The ledger: for each input partition, how every record that came in has ended.

In: the outcome of a batch. Out: one state entry, written in the batch's own transaction, so that the sum is exact
after any number of crashes. Balance = in - result - dead - dropped; it must be zero. Imports contracts and msgspec.
"""

import msgspec

KEY = "~ledger"


class Ledger(msgspec.Struct, frozen=True, omit_defaults=True):
    """Count how the records of one input partition ended, since the group first read it."""

    taken: int = 0
    result: int = 0
    dead: int = 0
    dropped: dict[str, int] = {}

    @property
    def balance(self) -> int:
        """Return what is unaccounted for; zero, or the loop has a fault."""
        return self.taken - self.result - self.dead - sum(self.dropped.values())

    def plus(self, other: "Ledger") -> "Ledger":
        """Return the sum of two ledgers."""
        policies = self.dropped.keys() | other.dropped.keys()
        return Ledger(
            taken=self.taken + other.taken,
            result=self.result + other.result,
            dead=self.dead + other.dead,
            dropped={
                name: self.dropped.get(name, 0) + other.dropped.get(name, 0)
                for name in sorted(policies)
            },
        )


_DECODER = msgspec.json.Decoder(Ledger)


def read_ledger(raw: bytes | None) -> Ledger:
    """Return the ledger of a state entry, an empty one for None."""
    return Ledger() if raw is None else _DECODER.decode(raw)


def write_ledger(ledger: Ledger) -> bytes:
    """Return a ledger as a state entry."""
    return msgspec.json.encode(ledger)
