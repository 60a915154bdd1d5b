"""A consumer group as the broker sees it: who is in it, what they hold, what is committed.

In: a group's full name. Out: its state, its workers, its committed offsets.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from consumers.operations.asking import ask
from consumers.protocols import Input
from contracts.settings import Settings

STABLE = "Stable"
ABSENT = "Dead"


class GroupWorker(msgspec.Struct, frozen=True):
    """Name one live member by its client id, where it connects from, and how many partitions it holds."""

    client: str
    host: str
    partitions: int


class GroupView(msgspec.Struct, frozen=True):
    """Hold a group's state in Kafka's own word, its workers, and the inputs that they hold together."""

    state: str
    workers: tuple[GroupWorker, ...]
    held: frozenset[Input]

    def is_ready(self, inputs: Collection[Input]) -> bool:
        """Say that the group is at rest and every input has a worker."""
        return self.state == STABLE and bool(self.workers) and self.held >= set(inputs)


def group_view(settings: Settings, group: str) -> GroupView:
    """Return a group; one that never was has state `Dead` and no workers. Raises BrokerUnreachable."""
    answer: Mapping[str, Any] = ask(settings, lambda admin: admin.describe_groups([group]))
    found = answer[group]
    held = {member["client_id"] + member["member_id"]: _held(member) for member in found["members"]}
    workers = [
        GroupWorker(
            member["client_id"],
            member["client_host"].lstrip("/"),
            len(held[member["client_id"] + member["member_id"]]),
        )
        for member in found["members"]
    ]
    return GroupView(
        found["group_state"] or ABSENT,
        tuple(sorted(workers, key=lambda worker: worker.client)),
        frozenset[Input]().union(*held.values()),
    )


def committed_offsets(settings: Settings, group: str) -> dict[Input, int]:
    """Return the committed offset of each input that has one."""
    answer = ask(settings, lambda admin: admin.list_group_offsets({group: None}))
    return {
        Input(tp.topic, tp.partition): found.offset
        for tp, found in answer[group].items()
        if found.offset >= 0
    }


def _held(member: Mapping[str, Any]) -> frozenset[Input]:
    assignment = member["member_assignment"]
    if not assignment:
        return frozenset()
    return frozenset(
        Input(item["topic"], number)
        for item in assignment["assigned_partitions"]
        for number in item["partitions"]
    )
