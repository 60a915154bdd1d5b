"""Metrics keep the rule of their names, and their labels are bounded."""

import re

import pytest
from prometheus_client import generate_latest

from contracts import errors, telemetry
from contracts.telemetry import DECLARED, LABELS, PARTS, UNITS, Declared

NAME = re.compile(rf"hubbub_({'|'.join(PARTS)})(_[a-z]+)+_({'|'.join(UNITS)})")


@pytest.mark.parametrize("metric", DECLARED, ids=lambda metric: str(metric.name))
def test_a_name_says_part_what_and_unit(metric: Declared) -> None:
    is_counter = metric.kind == "counter"
    assert metric.name.endswith("_total") == is_counter
    assert NAME.fullmatch(metric.name.removesuffix("_total"))
    assert metric.meaning.endswith(".")


@pytest.mark.parametrize("metric", DECLARED, ids=lambda metric: str(metric.name))
def test_every_label_says_what_bounds_it(metric: Declared) -> None:
    assert set(metric.labels) <= set(LABELS)


def test_no_label_is_described_that_no_metric_has() -> None:
    assert set(LABELS) == {label for metric in DECLARED for label in metric.labels}


def test_every_unit_and_part_is_in_use() -> None:
    found = [
        match.groups() for m in DECLARED if (match := NAME.fullmatch(m.name.removesuffix("_total")))
    ]
    assert {part for part, _, _ in found} == set(PARTS)
    assert {unit for _, _, unit in found} == set(UNITS)


def test_what_is_declared_is_what_is_scraped() -> None:
    scraped = dict(
        re.findall(r"(?m)^# TYPE (\w+) (counter|gauge|histogram)$", generate_latest(telemetry.REGISTRY).decode())
    )  # fmt: skip
    declared = {metric.name: metric.kind for metric in DECLARED}
    made_by_the_library = {name for name in scraped if name.endswith("_created")}
    assert {n: kind for n, kind in scraped.items() if n not in made_by_the_library} == declared


def test_a_label_of_codes_is_bounded_by_the_tree_of_errors() -> None:
    child = telemetry.RECORDS_DEAD.labels("score", errors.RecordMisfit.code)
    before = telemetry.REGISTRY.get_sample_value(
        "hubbub_stage_dead_records_total", {"stage": "score", "code": "record_misfit"}
    )
    child.inc(3)
    after = telemetry.REGISTRY.get_sample_value(
        "hubbub_stage_dead_records_total", {"stage": "score", "code": "record_misfit"}
    )
    assert (after or 0) - (before or 0) == 3
