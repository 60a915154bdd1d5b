"""Posts that a channel refuses together, parted until each that it refuses stands alone.

In: sendings, and how to post some of them. Out: parts that were taken, and single ones that were refused, with the
reason. Whatever is no judgement of what was sent is raised, to be tried again: no answer, an overload, a wrong word or
address of ours. Pure but for the posting.

    200 refused ─► 100 taken
                   100 refused ─► 50 refused ─► … ─► 1 refused, and the others taken

To find one refused of n takes some 2 · log2(n) requests more, to find that all are, 2 · n.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from consumers.delivery.sending import Sending
from contracts.errors import ChannelFailed

# What HTTP calls a fault of the content: malformed, too large, or not to be processed (RFC 9110, 15.5). Of the other
# 4xx some say who asks or where (401, 403, 404), some that it is too early (408, 429): that is no fault of an alert.
REFUSALS = frozenset({400, 413, 422})


class Part(NamedTuple):
    """Hold sendings that were taken, or one that was refused and why."""

    sendings: Sequence[Sending]
    refusal: ChannelFailed | None = None


def post_apart(
    sendings: Sequence[Sending], post: Callable[[Sequence[Sending]], None]
) -> Iterator[Part]:
    """Post sendings together where that is taken, else apart; yields the parts in their order as each is answered.

    Raises ChannelFailed for any failure that is none of their content; what was not yielded by then is in doubt.
    """
    try:
        post(sendings)
    except ChannelFailed as error:
        if error.status not in REFUSALS:
            raise
        refusal = error
    else:
        yield Part(sendings)
        return
    if len(sendings) == 1:
        yield Part(sendings, refusal)
        return
    half = len(sendings) // 2
    yield from post_apart(sendings[:half], post)
    yield from post_apart(sendings[half:], post)
