"""What cannot be trained is refused before it is: each sentence names the key, its value and what was expected."""

from typing import Any

import msgspec
import pytest

from contracts.errors import SettingsInvalid
from models.training.checking import check_base, check_fit, check_rows, mistakes_of
from models.training.config import FitConfig
from models.training.sources import LabelledRow
from tests.models.training.tiny import FIT, source, tiny_config

LABELS = ["negative", "neutral", "positive"]


def row(head: str, *, is_dev: bool) -> LabelledRow:
    return LabelledRow(
        text="so so",
        context="",
        head=head,
        lang="en",
        source="made/all.jsonl.gz",
        targets=("neutral",),
        known=("neutral",),
        weight=1.0,
        is_dev=is_dev,
    )


def test_a_config_without_mistakes_has_none() -> None:
    assert list(mistakes_of(tiny_config())) == []


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        ({"teacher": {"count": 1, "fit": FIT}}, "teacher.count is 1, .* expected 0 or from 2"),
        (
            {"teacher": {"count": 2, "fit": FIT | {"labels": 0.0, "likeness": 1.0}}},
            "teacher.fit.labels is 0, .* expected above 0",
        ),
        (
            {"student": {"first": FIT, "fit": FIT | {"heads": ["mood"]}}},
            "student.fit.heads names 'mood'; expected some of sentiment, kind",
        ),
        (
            {"student": {"first": FIT | {"labels": 0.0}, "fit": FIT}},
            "student.first learns nothing: .* expected one above 0",
        ),
        (
            {"student": {"first": FIT, "fit": FIT | {"layers": 3}}},
            "student.fit.layers is 3; expected 2 as in student.first",
        ),
        (
            {"heads": {"sentiment": {"share": 1.0, "labels": LABELS}}},
            "made/all.jsonl.gz teaches 'kind', which is no head; expected one of sentiment",
        ),
        (
            {"sources": [source("made/all.jsonl.gz")]},
            "heads.kind is taught by no source; expected one with head = 'kind'",
        ),
        (
            {"heads": {"sentiment": {"share": 0.0, "labels": LABELS}, "kind": {"share": 0.2}}},
            "heads.sentiment.share is 0.0; expected a number above 0",
        ),
        (
            {
                "heads": {
                    "sentiment": {"share": 1.0, "labels": ["neutral"] * 2},
                    "kind": {"share": 1.0},
                }
            },
            "heads.sentiment.labels is .*; expected none, or two or more distinct ones",
        ),
        (
            {"abstain": {"accuracy": {}, "least_answered": 0.6}},
            "abstain.accuracy has no sentiment; expected an accuracy from 0 to 1 for each head",
        ),
        (
            {"abstain": {"accuracy": {"sentiment": 0.8, "mood": 0.8}, "least_answered": 0.6}},
            "abstain.accuracy names 'mood'; expected some of sentiment",
        ),
        (
            {
                "abstain": {
                    "accuracy": {"sentiment": 0.8},
                    "least_answered": 0.6,
                    "floor": {"sentiment": 0.5, "sentiment/en": 0.6, "sentiment/de": 0.6},
                }
            },
            "abstain.floor names 'sentiment/de'; expected some of sentiment, each alone or with /en",
        ),
        (
            {"abstain": {"accuracy": {"sentiment": float("nan")}, "least_answered": 0.6}},
            "abstain.accuracy.sentiment is nan; expected 0 to 1",
        ),
    ],
)
def test_a_mistake_names_key_value_and_what_was_expected(changes: Any, mistake: str) -> None:
    found = list(mistakes_of(tiny_config(**changes)))
    with pytest.raises(SettingsInvalid, match=mistake):
        raise SettingsInvalid("; ".join(found))


def test_the_teachers_fit_is_not_looked_at_where_there_are_none() -> None:
    teacher = {"count": 0, "fit": FIT | {"heads": ["mood"], "layers": 99}}
    config = tiny_config(teacher=teacher)
    assert list(mistakes_of(config)) == []
    check_base(config, layers=3, positions=96)


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        ({"layers": 4}, "fit.layers is 4; expected 1 to 3"),
        ({"samples": 0}, "fit.samples is 0; expected 1 or more"),
        ({"heads": ("mood",)}, "fit.heads names 'mood'"),
    ],
)
def test_a_variant_of_a_stage_is_checked_too(more: Any, mistake: str) -> None:
    fit = msgspec.structs.replace(msgspec.convert(FIT, FitConfig), **more)
    with pytest.raises(SettingsInvalid, match=mistake):
        check_fit(tiny_config(), fit, base_layers=3)


def test_an_exported_head_wants_training_and_development_rows() -> None:
    config = tiny_config()
    check_rows(config, [row("sentiment", is_dev=False), row("sentiment", is_dev=True)])
    with pytest.raises(SettingsInvalid, match=r"heads\.sentiment has no training rows, of made/"):
        check_rows(config, [row("sentiment", is_dev=True), row("kind", is_dev=False)])
    with pytest.raises(
        SettingsInvalid, match=r"heads\.sentiment has no development rows, of made/"
    ):
        check_rows(config, [row("sentiment", is_dev=False), row("kind", is_dev=True)])


def test_more_than_the_base_encoder_has_is_refused() -> None:
    config = tiny_config()
    check_base(config, layers=2, positions=56)
    with pytest.raises(SettingsInvalid, match=r"teacher\.fit\.layers is 2; expected at most 1"):
        check_base(config, layers=1, positions=96)
    with pytest.raises(SettingsInvalid, match=r"token_limit is 32 and .* expected 47 together"):
        check_base(config, layers=2, positions=55)
