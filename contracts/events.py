"""Events: what a source saw, as it arrives on `events.text` and `events.media`.

In: nothing. Out: the frozen records Event, Author, Media. Imports msgspec alone.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

# In Python `$` matches before a last newline too, in JSON Schema never: the look-ahead makes both mean the same.
SLUG_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$(?!\n)"
SHA256_PATTERN = r"^[0-9a-f]{64}$(?!\n)"

Slug = Annotated[str, msgspec.Meta(pattern=SLUG_PATTERN)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Kind = Literal["social", "news", "support"]
# The largest integer that every JSON reader keeps exactly.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

TEXT_LIMIT = 200_000
CONTEXT_LIMIT = 512


class Author(msgspec.Struct, frozen=True, omit_defaults=True):
    """Name who spoke: `key` is stable within the source, `followers` is their reach in people."""

    key: Name
    name: str | None = None
    followers: Count | None = None


class Media(msgspec.Struct, frozen=True, omit_defaults=True):
    """Refer to one picture, sound or film; the bytes are fetched later.

    `kind` is an open set (`image`, `audio`, `video`); `duration_s` in seconds, `size_bytes` in bytes.
    """

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    kind: Name
    content_type: str | None = None
    sha256: Annotated[str, msgspec.Meta(pattern=SHA256_PATTERN)] | None = None
    size_bytes: Count | None = None
    duration_s: Annotated[float, msgspec.Meta(ge=0)] | None = None
    alt: str | None = None


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one post, article or message as its source gave it.

    (tenant, source, id) names it for ever: the same again within 24 hours changes nothing. `thread` is what keeps
    order (a conversation, a post and its replies) and defaults to the id. `context` is the turns before it, at most
    512 characters. `text` may be empty, as it is for a picture alone. Times are RFC 3339 with a zone, from year 1 to
    9999, kept to the microsecond; a leap second has no place in them. `received_at` is filled in where an event enters.
    """

    id: Name
    source: Name
    observed_at: Moment
    text: Annotated[str, msgspec.Meta(max_length=TEXT_LIMIT)] = ""
    tenant: Slug = "default"
    kind: Kind = "social"
    thread: Name | None = None
    author: Author | None = None
    repost_of: Name | None = None
    reply_to: Name | None = None
    context: Annotated[str, msgspec.Meta(max_length=CONTEXT_LIMIT)] | None = None
    url: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    lang: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    title: Annotated[str, msgspec.Meta(max_length=2000)] | None = None
    media: Annotated[tuple[Media, ...], msgspec.Meta(max_length=32)] = ()
    received_at: Moment | None = None

    @property
    def thread_key(self) -> str:
        """Return what orders this event: its thread, or its own id."""
        return self.thread or self.id

    @property
    def key(self) -> str:
        """Return the key of this event's records: tenant/thread."""
        return f"{self.tenant}/{self.thread_key}"
