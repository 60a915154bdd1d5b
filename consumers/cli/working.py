"""One worker of one stage, in the foreground, with its health server, until SIGTERM.

In: settings, a group, and how its stage is built. Out: a worker run to its end. Wires; decides nothing.
"""

import signal
from collections.abc import Callable
from datetime import datetime
from typing import Any

from contracts.settings import Settings

COLLECTOR_THRESHOLDS = (50_000, 20, 20)


def run_worker(
    settings: Settings,
    build: Callable[[Settings, int], Any],
    *,
    group: str,
    slot: int,
    first_port: int = 0,
    begin: datetime | None = None,
    until_idle_s: float | None = None,
    behind: str | None = None,
    shows_profile: bool = False,
) -> None:
    """Run one worker to its end; heavy imports come here, after the flags are known to be right.

    `build` returns the stage from the settings and the number of partitions that all topics share. Health is served on
    the port `metrics.port` plus `first_port`, in which stages differ, plus the slot. `behind` names the group that
    writes the inputs: no silence is the end while it has workers. With `shows_profile` the end tells where time went.
    """
    import os
    import threading

    from consumers.runtime.faults import VARIABLE, Faults
    from consumers.runtime.health import HealthServer
    from consumers.runtime.loop import Worker
    from consumers.runtime.patience import patiently
    from consumers.runtime.profile import profile_lines

    stopping = threading.Event()
    partitions = patiently(lambda: _prepared(settings, group, begin=begin), wait=stopping.wait)
    if partitions is None:
        return
    worker = Worker(
        settings,
        build(settings, partitions),
        group=group,
        slot=slot,
        faults=Faults(os.environ.get(VARIABLE, "")),
        until_idle_s=until_idle_s,
        is_fed=None if behind is None else lambda: _is_working(settings, behind),
    )
    health = HealthServer(settings.metrics, slot=first_port + slot, is_ready=lambda: worker.ready)
    health.start()
    calm_collector()
    try:
        _run(worker)
    finally:
        health.close()
        if shows_profile:
            print("\n".join(profile_lines(worker.spent)))


def _run(worker: Any) -> None:
    """Run a worker until its end or a signal's."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    worker.run()


def _is_working(settings: Settings, group: str) -> bool:
    """Say whether a group has any live worker."""
    from consumers.operations.groups import group_view

    return bool(group_view(settings, settings.topics.prefix + group).workers)


def calm_collector() -> None:
    """Let this process's garbage collector look less often.

    A batch makes tens of thousands of short-lived objects without cycles; looked at by the default thresholds, with
    models and dictionaries beside them, they cost a fifth of a worker's time.
    """
    import gc

    gc.set_threshold(*COLLECTOR_THRESHOLDS)


def _prepared(settings: Settings, group: str, *, begin: datetime | None) -> int:
    """Return the partition count all topics share; the group's changelog is made where it is missing."""
    from consumers.operations.rewind import begin_at
    from consumers.runtime.topics import check_topics, create_topics
    from contracts.topics import TABLE, changelog_of

    changelog = changelog_of(group)
    check_topics(settings, TABLE)
    create_topics(settings, [changelog])
    count = check_topics(settings, (*TABLE, changelog))
    if begin is not None:
        begin_at(settings, begin)
    return count
