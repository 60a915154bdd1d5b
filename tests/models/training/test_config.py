"""A training config: read, changed by keys, and refused with the file and the key."""

from pathlib import Path

import pytest

from contracts.errors import SettingsInvalid
from models.training.config import read_config

COMMITTED = Path(__file__).parents[3] / "models" / "training" / "encoder.toml"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("name = ", "Invalid value"), ('name = "x"\nnovel = 1', "training config")],
)
def test_a_config_that_is_none_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=complaint):
        read_config(path)


def test_a_label_map_to_an_unknown_label_is_refused(tmp_path: Path) -> None:
    text = COMMITTED.read_text(encoding="utf-8").replace('angry = "anger"', 'angry = "rage"', 1)
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid, match="rage"):
        read_config(tmp_path / "run.toml")


def test_a_split_at_no_moment_is_refused(tmp_path: Path) -> None:
    text = COMMITTED.read_text(encoding="utf-8")
    text = text.replace("dev_share = 0.5", 'dev_from = "March"', 1)
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsInvalid, match=r"dev_from of smp2020_ewect/.*time 'March'"):
        read_config(tmp_path / "run.toml")


def test_keys_are_set_to_toml_values() -> None:
    changes = {"student.fit.samples": "10", "student.fit.heads": '["emotion"]', "seed": "3"}
    config = read_config(COMMITTED, changes)
    assert config.student.fit.samples == 10
    assert config.student.fit.heads == ("emotion",)
    assert config.seed == 3


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("student.fit.novel", "1", "novel"),
        ("seed.more", "1", "'seed' is a value"),
        ("name", "no quotes", "Invalid value"),
        ("teacher.count", "1", "expected 0 or from 2"),
        ("teacher.count", "-1", r"teacher\.count is -1: Expected `int` >= 0"),
        ("student.fit.samples", "0", r"student\.fit\.samples is 0: Expected `int` >= 1"),
        ("student.first.samples", "-5", r"student\.first\.samples is -5: Expected `int` >= 1"),
        ("student.fit.rate", "nan", r"student\.fit\.rate is nan: Expected `float` >= 0"),
        ("student.fit.rate", "inf", r"student\.fit\.rate is inf: Expected `float` <= 1"),
        ("student.fit.soft_labels", "inf", r"student\.fit\.soft_labels is inf: "),
        ("student.fit.warmup", "0.0", r"student\.fit\.warmup is 0\.0: Expected `float` > 0"),
        ("vocabulary.context_limit", "2", r"context_limit is 2: Expected `int` >= 3"),
        ("seed", "-1", "seed is -1: Expected `int` >= 0"),
        ("student.fit.heads", "['mood']", r"student\.fit\.heads names 'mood'; expected"),
        ("abstain.accuracy", "{}", r"abstain\.accuracy has no emotion; .*has no irony"),
        ("heads.mood", "{share = 0.1, labels = ['a', 'b']}", r"heads\.mood is taught by no source"),
    ],
)
def test_a_change_that_fits_nothing_is_refused(key: str, value: str, complaint: str) -> None:
    with pytest.raises(SettingsInvalid, match=complaint):
        read_config(COMMITTED, {key: value})


def test_a_number_out_of_range_in_a_list_is_named_with_its_place(tmp_path: Path) -> None:
    text = COMMITTED.read_text(encoding="utf-8").replace("weight = 5.0", "weight = -1.0", 1)
    (tmp_path / "run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(
        SettingsInvalid, match=r"sources\[0\]\.weight is -1\.0: Expected `float` > 0"
    ):
        read_config(tmp_path / "run.toml")


def test_heads_without_labels_are_not_exported() -> None:
    config = read_config(COMMITTED)
    assert list(config.exported) == ["emotion", "sentiment", "topic", "harm", "irony"]
    assert "intent" in config.heads
