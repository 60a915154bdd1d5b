"""What every source promises: `producers.protocols.Source`, on each of them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.settings import Settings
from producers.entry import Entry
from producers.pacing import Pace
from producers.protocols import Source
from producers.sources.file.mapping import RowMapping
from producers.sources.file.source import FileOptions, FileSource
from producers.sources.http.source import HttpSource
from producers.sources.scenario.scenario import Scenario
from producers.sources.scenario.source import ScenarioSource
from producers.stopping import Stop
from tests.producers.conftest import settings_for

Make = Callable[[Settings, Path], Source]
NOW = datetime(2026, 3, 1, tzinfo=UTC)
A_DAY_EACH = 86400


def entry(settings: Settings) -> Entry:
    return Entry(settings.topics.names, lambda: NOW)


def make_file(settings: Settings, folder: Path) -> Source:
    path = folder / "rows.jsonl"
    path.write_text("".join(f'{{"time": {n * A_DAY_EACH}, "text": "{n}"}}\n' for n in range(9)))
    options = FileOptions(path=path, name=path.name, mapping=RowMapping(source_name=path.name))
    return FileSource(settings, options, entry=entry(settings), pace=Pace(1, time.monotonic))


def make_scenario(settings: Settings, folder: Path) -> Source:
    scenario = Scenario(7, start=NOW)
    return ScenarioSource(settings, scenario, entry=entry(settings), pace=Pace(1, time.monotonic))


def make_http(settings: Settings, folder: Path) -> Source:
    return HttpSource(settings, entry=entry(settings))


@pytest.mark.parametrize("make", [make_file, make_scenario, make_http])
def test_a_source_that_is_asked_to_stop_ends_in_time_with_a_report_that_adds_up(
    bootstrap: str, tmp_path: Path, make: Make
) -> None:
    source = make(settings_for(bootstrap, http={"port": 0}), tmp_path)
    assert isinstance(source, Source)
    stop = Stop()
    stop.set()
    started = time.monotonic()
    report = source.run(stop)
    assert time.monotonic() - started < 20  # connecting included
    assert (report.read, report.balance) == (0, 0)
