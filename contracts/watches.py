"""Watches: what a user monitors, as topic `watches` keeps it, the latest revision of each for ever.

In: nothing. Out: frozen records. Imports msgspec and contracts alone.
"""

from typing import Annotated, Literal

import msgspec

from contracts.events import Moment, Name, Slug

QUERY_LIMIT = 4096


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one rule of a watch: its `kind` from an open set, and its settings by name.

    `id` names it within the watch, where two are of one kind; it defaults to the kind (with `by`, kind-by).
    """

    kind: Name
    settings: dict[str, str | float | bool] = {}
    id: Slug | None = None


class Watch(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one watch as it stands.

    `id` is unique within the tenant, never changes and stands in keys and addresses; `name` is for people. `revision`
    grows by one with every change, and a lower revision than the known one is ignored. A paused watch matches nothing.
    `resumed_at` is when it was last let match again: of the time before it nobody knows what was said.
    """

    id: Slug
    query: Annotated[str, msgspec.Meta(min_length=1, max_length=QUERY_LIMIT)]
    tenant: Slug = "default"
    name: str | None = None
    revision: Annotated[int, msgspec.Meta(ge=1)] = 1
    owner: str | None = None
    state: Literal["active", "paused"] = "active"
    rules: tuple[Rule, ...] = ()
    resumed_at: Moment | None = None

    @property
    def key(self) -> str:
        """Return what keys this watch and its mentions: tenant/id."""
        return f"{self.tenant}/{self.id}"
