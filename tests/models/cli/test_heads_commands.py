"""`hubbub models fit-head` and `hubbub models label`, from the command line to a head that is served."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from contracts.errors import InvalidInput, MissingExtra, SourceInvalid
from models.cli.app import app
from models.protocols import TextInput
from models.registry import build_text_scorer
from tests.models.heads.making import make_head

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


@pytest.fixture(autouse=True)
def _log_apart() -> Iterator[None]:
    """Keep the log out of what is printed, as `hubbub` does."""
    with capture_logs():
        yield


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
    assert "out of scope: 20 rows belong to no label" in shown
    home = data.parent / "home"
    assert f"  HUBBUB_MODELS_HOME={home} HUBBUB_SCORE_HEADS=support-intents hubbub score\n" in shown
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
    assert manifest["settings"]["out_of_scope"] == 0
    assert manifest["figures"]["accuracy"] > 0.9


def test_mistakes_are_told_before_anything_heavy_runs(data: Path) -> None:
    pytest.importorskip("sklearn")
    with pytest.raises(SourceInvalid, match=r"line 1: the label `intent` is missing"):
        fit(data, "--field", "intent")
    with pytest.raises(InvalidInput, match="head name 'Big Name'"):
        fit(data, "--name", "Big Name")
    with pytest.raises(InvalidInput, match="'sentiment' is a head of the encoder's own"):
        fit(data, "--name", "sentiment")
    with pytest.raises(InvalidInput, match="--out-of-scope-label 'nosuch': no row of"):
        fit(data, "--out-of-scope-label", "nosuch")
    with pytest.raises(InvalidInput, match="200 of 200 texts with a label are out of scope too"):
        fit(data, "--out-of-scope", str(data))
    with pytest.raises(InvalidInput, match="cannot keep a head in /proc/nosuch/heads"):
        fit(data, "--home", "/proc/nosuch")


def test_a_name_of_a_table_of_the_settings_is_refused(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setenv("HUBBUB_MODELS_HUB", '{"support-intents":{"model":"someone/intents"}}')
    with pytest.raises(InvalidInput, match=r"is the table \[models\.hub\.support-intents\]"):
        fit(data)


def test_a_head_that_takes_the_place_of_another_says_so(data: Path) -> None:
    pytest.importorskip("sklearn")
    # Given a head of one's own with other labels, and one that is fitted again
    home = data.parent / "home"
    make_head(home, labels=("a", "b\x1b", "c"))
    words = ["fit-head", "--data", str(data), "--name", "support-intents", "--folds", "2", "--json"]
    first, again = (RUN.invoke(app, [*words, "--home", str(home)]) for _ in range(2))
    # Then the loss of the first is told, beside the output for programs, and the second is none
    assert "replaced a head support-intents with labels a, b\\x1b, c\n" in first.stderr
    assert json.loads(first.stdout)["name"] == "support-intents"
    assert "replaced" not in again.stderr
    # And one that cannot be read is not passed over in silence
    (home / "heads/support-intents/head.json").write_text("{}", encoding="utf-8")
    assert (
        "replaced a head support-intents that could not be read"
        in RUN.invoke(app, [*words, "--home", str(home)]).stderr
    )


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
    assert (
        f"fit-head --data {out} --name mine --out-of-scope-label out_of_scope --home {tmp_path}\n"
        in result.stdout
    )


def test_a_head_that_could_not_be_fitted_is_not_asked_for(data: Path, tmp_path: Path) -> None:
    words = ["label", "--texts", str(data), "--out", str(tmp_path / "a.jsonl"), "--head"]
    for name, complaint in (
        ("emotion", "'emotion' is a head of the encoder's own"),
        ("lang", "'lang' is a field of queries"),
    ):
        with pytest.raises(InvalidInput, match=complaint):
            RUN.invoke(app, [*words, name], catch_exceptions=False)


def test_a_place_without_a_folder_is_refused_before_the_first_question(
    data: Path, tmp_path: Path
) -> None:
    words = ["label", "--texts", str(data), "--head", "mine"]
    with pytest.raises(SourceInvalid, match=r"cannot write .*: expected a file, in a folder"):
        RUN.invoke(
            app,
            [*words, "--out", str(tmp_path / "nosuch" / "a.jsonl")],
            input="a\ny\n",
            catch_exceptions=False,
        )


def test_a_line_that_was_cut_off_is_told(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "my answers.jsonl"
    out.write_bytes(b'{"text":"a","label":"x"}\n{"text":"b\x1b')
    words = ["label", "--texts", str(data), "--head", "mine", "--out", str(out)]
    result = RUN.invoke(app, words, input="q\n")
    assert result.exit_code == 0, result.output
    assert r'was cut off and does not count; the next answer takes its place: {"text":"b\x1b' in (
        result.stderr
    )
    assert f"fit-head --data '{out}' --name mine\n" in result.stdout


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
