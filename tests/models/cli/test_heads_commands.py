"""`hubbub models fit-head` and `hubbub models label`, from the command line to a head that is served."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import InvalidInput, MissingExtra, SourceInvalid
from models.cli.app import app
from models.protocols import TextInput
from models.registry import build_text_scorer

RUN = CliRunner()
TEXTS = {
    "refund": (
        "I want my money back for order {}",
        "please refund purchase {}",
        "return payment {} to me",
    ),
    "lost": (
        "my card {} is lost",
        "someone stole my card number {}",
        "I cannot find card {} anywhere",
    ),
    "退款": ("订单{}我要退款", "请把{}的钱退给我", "第{}单申请退货退款"),
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "my.jsonl"
    rows = [
        {"text": form.format(number), "label": label}
        for label, forms in TEXTS.items()
        for form in forms
        for number in range(100, 120)
    ]
    rows += [{"text": f"is it going to rain in town {n}", "label": "oos"} for n in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def fit(data: Path, *more: str) -> object:
    home = str(data.parent / "home")
    words = ["fit-head", "--data", str(data), "--name", "support-intents", "--home", home, *more]
    result = RUN.invoke(app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_head_is_fitted_shown_kept_and_served(data: Path) -> None:
    pytest.importorskip("sklearn")
    # When a head is fitted
    shown = str(fit(data, "--out-of-scope-label", "oos", "--folds", "3"))
    # Then its figures are shown, and it answers beside the others
    assert "head support-intents: 3 labels, 180 texts" in shown
    assert "out_of_scope_recall (10 texts)" in shown
    assert "HUBBUB_SCORE_HEADS=support-intents hubbub score" in shown
    home = data.parent / "home"
    scorer = build_text_scorer("bundled", home=home, heads=("support-intents",))
    scorer.start()
    answers = scorer.score_batch(
        [
            TextInput(text="refund purchase 7"),
            TextInput(text="my card 9 is lost"),
            TextInput(text="订单5我要退款"),
        ]
    )
    scorer.close()
    assert [answer.heads["support-intents"].label for answer in answers] == [
        "refund",
        "lost",
        "退款",
    ]
    size = sum(file.stat().st_size for file in (home / "heads/support-intents").iterdir())
    assert size < 1_000_000


def test_as_json_it_prints_the_manifest_alone(data: Path) -> None:
    pytest.importorskip("sklearn")
    manifest = json.loads(str(fit(data, "--json", "--folds", "2")))
    assert manifest["labels"] == ["lost", "oos", "refund", "退款"]
    assert manifest["figures"]["accuracy"] > 0.9


def test_mistakes_are_told_before_anything_heavy_runs(data: Path) -> None:
    pytest.importorskip("sklearn")
    with pytest.raises(SourceInvalid, match=r"line 1: the label `intent` is missing"):
        fit(data, "--field", "intent")
    with pytest.raises(InvalidInput, match="head name 'Big Name'"):
        fit(data, "--name", "Big Name")
    with pytest.raises(InvalidInput, match="'sentiment' is a head of the encoder's own"):
        fit(data, "--name", "sentiment")


def test_without_scikit_learn_the_extra_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtra, match=r"pip install 'hubbub\[torch\]'"):
        fit(data)


def test_labels_are_asked_for_and_fit_a_head(data: Path, tmp_path: Path) -> None:
    # Given no head yet, when a person answers four questions and leaves
    out = tmp_path / "answers.jsonl"
    words = [
        "label",
        "--texts",
        str(data),
        "--head",
        "mine",
        "--out",
        str(out),
        "--home",
        str(tmp_path),
    ]
    result = RUN.invoke(app, words, input="a\ny\nb\ny\n1\no\nq\n")
    # Then the answers are kept, and the next step is named
    assert result.exit_code == 0, result.output
    assert [json.loads(line)["label"] for line in out.read_text().splitlines()] == [
        "a",
        "b",
        "a",
        "out_of_scope",
    ]
    assert "4 answers added" in result.stdout
    assert f"fit-head --data {out} --name mine --out-of-scope-label out_of_scope" in result.stdout


def test_the_head_guesses_where_it_is_there(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    fit(data, "--folds", "2")
    words = [
        "label",
        "--texts",
        str(data),
        "--head",
        "support-intents",
        "--home",
        str(data.parent / "home"),
    ]
    result = RUN.invoke(app, [*words, "--out", str(tmp_path / "a.jsonl")], input="q\n")
    assert result.exit_code == 0, result.output
    assert " 0." in result.stdout


def test_a_file_without_texts_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n", encoding="utf-8")
    result = RUN.invoke(
        app, ["label", "--texts", str(empty), "--head", "mine", "--out", str(tmp_path / "a")]
    )
    assert isinstance(result.exception, InvalidInput)
    assert "has no text to ask about" in str(result.exception)
