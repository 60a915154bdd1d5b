"""`hubbub models evaluate`: judges a head on a file, and says what it cannot judge."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from contracts.errors import InvalidInput, ModelInvalid, SourceInvalid
from models.cli.app import app
from models.cli.evaluating import label_mapping
from models.heads.encoding import Encoder
from models.registry import build_text_scorer
from tests.models.heads.making import make_head, make_served
from tests.models.hub.saving import save_tiny

ROWS = [
    {"text": "I love this, wonderful!", "label": "lovely"},
    {"text": "I hate this, awful and disgusting", "label": "horrid"},
    {"text": "太喜欢了，非常满意", "label": "lovely"},
    {"text": "垃圾，太差了，再也不来了", "label": "horrid"},
    {"text": "what is this", "label": "strange"},
]
MAPPED = ("--map", "lovely=positive", "--map", "horrid=negative", "--map", "strange=")


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _log_apart() -> Iterator[None]:
    """Keep the log out of what is printed, as `hubbub` does."""
    with capture_logs():
        yield


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return written(tmp_path / "rows.jsonl", ROWS)


def evaluate(*words: object) -> str:
    words = ("evaluate", *words)
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def figures_of(*words: object) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(evaluate(*words, "--json"))
    return figures


def test_it_prints_the_figures_as_one_json_object(data: Path) -> None:
    figures = figures_of("sentiment", "--data", data, *MAPPED)
    assert (figures["task"], figures["head"]) == ("sentiment", "sentiment")
    assert (figures["n"], figures["skipped"]) == (4, 1)
    for name in ("accuracy", "macro_f1", "macro_recall", "auc", "accuracy_at_80", "macro_f1_at_80"):
        assert figures[name] == 1.0, name
    assert figures["accuracy_interval"] == figures["macro_f1_interval"] == [1.0, 1.0]
    assert 0 <= figures["ece"] <= 1
    assert 0 <= figures["answered"] <= 1
    assert figures["per_class"]["positive"]["support"] == 2
    assert figures["confusion"] == {"negative": {"negative": 2}, "positive": {"positive": 2}}
    assert figures["per_language"].keys() == {"en", "zh"}
    assert figures["model_version"] == build_text_scorer("bundled").model_version
    assert figures["texts_per_second"] > 0
    assert (figures["errors"], figures["baseline"]) == ([], None)


def test_the_same_file_gives_the_same_figures(data: Path) -> None:
    first, second = (figures_of("sentiment", "--data", data, *MAPPED) for _ in range(2))
    assert first | {"texts_per_second": 0} == second | {"texts_per_second": 0}


def test_it_prints_tables_for_people(data: Path) -> None:
    output = evaluate("sentiment", "--data", data, *MAPPED)
    name = build_text_scorer("bundled").model_name
    for words in ("macro-F1", "ECE", "positive", "lovely", name, "strange (1)", "en", "zh"):
        assert words in output


def test_labels_of_public_sets_need_no_map(tmp_path: Path) -> None:
    names = {"lovely": 1, "horrid": 0}
    rows = [row | {"label": names[row["label"]]} for row in ROWS[:4]]
    figures = figures_of("sentiment", "--data", written(tmp_path / "rows.jsonl", rows))
    assert figures["accuracy"] == 1.0
    assert [each["theirs"] for each in figures["classes"]] == [["0"], ["1"]]


def test_a_gzip_with_a_mark_and_windows_line_ends_gives_the_same(data: Path) -> None:
    lines = "\r\n".join(json.dumps(row) for row in ROWS)
    packed = data.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + lines.encode() + b"\r\n"))
    figures = figures_of("sentiment", "--data", packed, *MAPPED)
    assert (figures["n"], figures["accuracy"]) == (4, 1.0)


def test_several_files_are_joined(data: Path, tmp_path: Path) -> None:
    more = written(tmp_path / "more.jsonl", ROWS[:2])
    assert figures_of("sentiment", "--data", data, "--data", more, *MAPPED)["n"] == 6


def test_the_task_is_only_a_name_where_the_head_is_given(data: Path) -> None:
    figures = figures_of("reviews", "--head", "sentiment", "--data", data, *MAPPED)
    assert (figures["task"], figures["head"], figures["accuracy"]) == ("reviews", "sentiment", 1.0)


def test_a_head_of_the_user_s_own_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a head under models.home, fitted on the bundled encoder
    make_served(tmp_path)
    monkeypatch.setenv("HUBBUB_MODELS_HOME", str(tmp_path))
    rows = [{"text": "I want my money back", "label": each} for each in ("refund", "card lost")]
    path = written(tmp_path / "rows.jsonl", rows)
    # When it is named with --head, then it answers beside the encoder's own
    figures = figures_of("intents", "--head", "support-intents", "--data", path)
    assert (figures["task"], figures["head"], figures["n"]) == ("intents", "support-intents", 2)
    assert figures["accuracy"] == 0.5
    # And one that is not there is named with the place where it should be
    with pytest.raises(ModelInvalid, match=r"no head 'nosuch': looked for "):
        evaluate("intents", "--head", "nosuch", "--data", path)


def test_a_model_of_the_hub_is_judged_as_the_settings_name_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    # Given a table [models.hub.feelings]
    folder = save_tiny(tmp_path / "mood")
    table = {"feelings": {"model": str(folder), "labels": {"anger": "negative", "joy": "positive"}}}
    monkeypatch.setenv("HUBBUB_MODELS_HUB", json.dumps(table))
    # When it is the model, or a head beside the bundled one, then it answers with the labels of the table
    words = ("sentiment", "--head", "feelings", "--data", data, *MAPPED)
    alone, beside = figures_of(*words, "--model", "hub:feelings"), figures_of(*words)
    assert alone["per_class"].keys() == beside["per_class"].keys() == {"negative", "positive"}
    assert alone["accuracy"] == beside["accuracy"]
    assert alone["model_version"] != beside["model_version"]


def test_the_model_of_the_settings_is_judged_as_it_fits_heads(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers")
    # Given a model of the hub in score.model, and a head that was fitted on it
    folder = save_tiny(tmp_path / "mood", labels=["negative", "positive"])
    monkeypatch.setenv("HUBBUB_SCORE_MODEL", f"hub:{folder}")
    encoder = Encoder(f"hub:{folder}", home=tmp_path)
    make_head(tmp_path, "onhub", width=32, model_version=encoder.model_version)
    # When no model is named, then that one answers, its own head and yours beside it
    assert figures_of("sentiment", "--data", data, *MAPPED)["model_name"] == encoder.model_name
    rows = [
        {"text": row["text"], "label": each} for row in ROWS for each in ("refund", "card lost")
    ]
    own = ("intents", "--head", "onhub", "--home", tmp_path)
    figures = figures_of(*own, "--data", written(tmp_path / "own.jsonl", rows))
    assert (figures["n"], figures["head"]) == (10, "onhub")
    # And on another encoder it says which to take
    with pytest.raises(ModelInvalid, match=r"by --model or the setting score\.model"):
        evaluate(*own, "--data", tmp_path / "own.jsonl", "--model", "bundled")


def test_a_head_that_two_have_is_refused_and_the_models_own_stands_without(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a table of the settings and a head of one's own, named as heads of the bundled model
    monkeypatch.setenv("HUBBUB_MODELS_HUB", '{"sentiment":{"model":"someone/mood"}}')
    make_head(tmp_path, "irony")
    words = ("--data", data, "--home", tmp_path, *MAPPED)
    for name, other in (
        ("sentiment", r"the table \[models\.hub\.sentiment\].*--model hub:sentiment"),
        ("irony", r"your own in .*heads/irony"),
    ):
        with pytest.raises(InvalidInput, match=rf"--head '{name}': bundled has .*{other}"):
            evaluate("reviews", "--head", name, *words)
    assert figures_of("sentiment", *words)["n"] == 4


def test_rows_without_text_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [*ROWS, {"text": "", "label": "lovely"}, {"text": " ", "title": "", "label": "horrid"}]
    figures = figures_of("sentiment", "--data", written(tmp_path / "rows.jsonl", rows), *MAPPED)
    assert figures["n"] == 4
    assert figures["skipped_by_reason"]["no text"] == 2


def test_what_the_data_says_does_not_command_the_terminal(tmp_path: Path) -> None:
    # Given escapes in a text that is guessed wrong, in a label without a class, in a label of one and in a language
    rows = [
        {"text": "I love this, \x1b[31mwonderful!", "label": "horrid", "lang": "en"},
        {"text": "I hate this, awful", "label": "lo\x1b[1mvely", "lang": "x\x1b[2J"},
        {"text": "what is this", "label": "stra\x1b]0;nge"},
    ]
    path = written(tmp_path / "rows.jsonl", rows)
    mapped = ("--map", "lo\x1b[1mvely=positive", "--map", "horrid=negative")
    output = evaluate("sentiment", "--data", path, *mapped, "--errors", "5")
    # Then all of them are shown, and none is obeyed
    assert "\x1b" not in output
    for words in (r"\x1b[31mwonderful", r"lo\x1b[1mvely", r"stra\x1b]0;nge (1)", r"x\x1b[2j"):
        assert words in output
    with pytest.raises(InvalidInput, match=r"its labels are horrid \(1\), lo\\x1b\[1mvely"):
        evaluate("sentiment", "--data", path)


def test_the_label_may_stand_in_another_field(tmp_path: Path) -> None:
    rows = [{"text": row["text"], "mood": row["label"]} for row in ROWS]
    path = written(tmp_path / "rows.jsonl", rows)
    assert figures_of("sentiment", "--data", path, "--field", "mood", *MAPPED)["n"] == 4
    with pytest.raises(InvalidInput, match=r"rows\.jsonl: no row has the field 'label'"):
        evaluate("sentiment", "--data", path)


def test_the_label_may_stand_under_the_tasks_name(tmp_path: Path) -> None:
    rows = [{"text": row["text"], "sentiment": row["label"]} for row in ROWS]
    path = written(tmp_path / "rows.jsonl", rows)
    assert figures_of("sentiment", "--data", path, *MAPPED)["n"] == 4


def test_a_dialogue_is_read_with_and_without_its_context(tmp_path: Path) -> None:
    rows = [row | {"talk": 1} for row in ROWS]
    path = written(tmp_path / "rows.jsonl", rows)
    words = ("sentiment", "--data", path, "--dialogue", "talk", *MAPPED)
    assert figures_of(*words)["n"] == figures_of(*words, "--no-context")["n"] == 4


def test_the_surest_mistakes_are_shown_on_request(data: Path) -> None:
    swapped = ("--map", "lovely=negative", "--map", "horrid=positive", "--errors", "2")
    figures = figures_of("sentiment", "--data", data, *swapped)
    assert figures["accuracy"] == 0.0
    assert len(figures["errors"]) == 2
    assert figures["errors"][0]["confidence"] >= figures["errors"][1]["confidence"]
    assert figures["errors"][0]["text"] in [row["text"] for row in ROWS]
    assert "guessed" in evaluate("sentiment", "--data", data, *swapped)


def test_a_baseline_is_trained_and_shown_beside(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    training = written(
        tmp_path / "train.jsonl",
        [
            {"text": f"{words} {number}", "label": label}
            for number in "abcdef"
            for words, label in (
                ("I love this wonderful thing", "Positive"),
                ("I hate this awful thing", "horrid"),
                ("非常满意，喜欢", "lovely"),
                ("太差了，垃圾", "horrid"),
            )
        ],
    )
    words = ("sentiment", "--data", data, "--baseline", training, *MAPPED)
    baseline = figures_of(*words)["baseline"]
    assert (baseline["n"], baseline["accuracy"]) == (4, 1.0)
    assert baseline["per_class"].keys() == {"negative", "positive"}
    assert "TF-IDF" in evaluate(*words)


def test_an_unknown_head_is_refused_with_the_known_ones(data: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no head 'colour'; it has emotion, sentiment, topic"):
        evaluate("colour", "--data", data)


def test_a_file_without_our_labels_is_refused(data: Path) -> None:
    with pytest.raises(
        InvalidInput, match=r"no class of head sentiment: its labels are lovely \(2\)"
    ):
        evaluate("sentiment", "--data", data)


def test_a_damaged_file_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a", "label": "positive"}\n{"text": \n')
    with pytest.raises(SourceInvalid, match=r"rows\.jsonl, line 2: "):
        evaluate("sentiment", "--data", path)
    path.write_text("")
    with pytest.raises(InvalidInput, match=r"rows\.jsonl: the data has no rows"):
        evaluate("sentiment", "--data", path)
    with pytest.raises(SourceInvalid, match=r"cannot read data file .*none\.jsonl"):
        evaluate("sentiment", "--data", tmp_path / "none.jsonl")


def test_a_map_is_of_one_form() -> None:
    assert label_mapping(["a=b"]) == {"a": ("b",)}
    assert label_mapping(["not-hate=none+offensive"]) == {"not-hate": ("none", "offensive")}
    assert label_mapping(["a=b=c", "odd="]) == {"a=b": ("c",), "odd": ()}
    for wrong in ("angry", "=anger", "a=b+", "="):
        with pytest.raises(InvalidInput, match="is not THEIRS=OURS"):
            label_mapping([wrong])
