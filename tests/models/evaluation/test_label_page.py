"""The page of labels says what the tables say."""

from pathlib import Path

from models.evaluation.label_names import HEAD_OF_TASK, NAMES, TOGETHER, plain_name
from models.evaluation.label_page import label_page
from models.registry import build_text_scorer

PAGE = Path(__file__).parents[3] / "models/evaluation/LABELS.md"


def test_the_page_is_as_the_tables_are_now() -> None:
    assert label_page() == PAGE.read_text(encoding="utf-8"), (
        "python -m models.evaluation.label_page > models/evaluation/LABELS.md"
    )


def test_every_name_stands_in_its_plain_form_and_once_a_task() -> None:
    for tables in NAMES.values():
        words = [word for row in tables.values() for word in row.split()]
        assert [word for word in words if plain_name(word) != word] == []
        assert len(words) == len(set(words))


def test_the_tables_lead_to_labels_that_the_bundled_heads_know_or_will() -> None:
    labels = build_text_scorer("bundled").labels
    for head in ("emotion", "sentiment"):
        ours = {part for row in NAMES[head] for part in row.split("+") if part}
        assert ours == set(labels[head])
    topics = {part for row in NAMES["topic"] for part in row.split("+") if part}
    assert set(labels["topic"]) - {"weather"} <= topics


def test_names_together_lead_to_labels_of_their_task() -> None:
    for task, parts in TOGETHER.items():
        known = {part for row in NAMES[HEAD_OF_TASK.get(task, task)] for part in row.split("+")}
        for each in parts:
            assert {part for ours in each.names.values() for part in ours.split("+")} <= known
            assert each.needs <= each.names.keys()
