"""`hubbub models likeness`: clusters a stream, finds translations, and refuses what it cannot judge."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from contracts.errors import InvalidInput
from models.cli.app import app
from models.evaluation.likeness import (
    centred,
    find_translations,
    judge_likeness,
    normalized_mutual_information,
    read_pairs,
    vectors_of,
)
from models.evaluation.streams import JOIN_AT
from models.identity import identity_scorer
from models.registry import build_text_scorer
from tests.models.hub.saving import save_tiny

STREAM = [
    {"text": "flood in the river town, bridge closed", "cluster": 1},
    {"text": "striker scores twice in the cup final", "cluster": 2},
    {"text": "river town flood: bridge still closed", "cluster": 1},
    {"text": "cup final won, striker scores again", "cluster": 2},
]


@pytest.fixture(autouse=True)
def _log_apart() -> Iterator[None]:
    """Keep the log out of what is printed, as `hubbub` does."""
    with capture_logs():
        yield


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    path = tmp_path / "stream.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in STREAM), encoding="utf-8")
    return path


def test_the_command_prints_the_figures_as_json(stream: Path) -> None:
    words = ["likeness", "--news", str(stream), "--json"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    figures = json.loads(result.output)
    assert (figures["texts"], figures["join_at"]) == (4, JOIN_AT)
    assert 0 < figures["clusters"] <= 4
    shares = list(figures["english_to_chinese_by_domain"].values())
    shares += [
        figures[name] for name in figures if name.endswith(("nmi", "ese", "ish", "language"))
    ]
    assert len(shares) == 7 + 5
    assert all(0 <= share <= 1 for share in shares)
    assert figures["texts_a_second"] > 0


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_score_to_join_at_is_a_number(stream: Path, number: str) -> None:
    words = ["likeness", "--news", str(stream), "--join-at", number]
    with pytest.raises(InvalidInput, match=f"--join-at {number}: expected a number"):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_the_command_judges_the_model_of_the_settings(
    stream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_SCORE_MODEL", "identity")
    words = ["likeness", "--news", str(stream)]
    with pytest.raises(InvalidInput, match="identity has no vectors"):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_the_command_prints_a_table_for_people_and_judges_a_model_of_the_hub(
    stream: Path, tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    model = f"hub:{save_tiny(tmp_path / 'tiny', labels=None)}"
    words = ["likeness", "--news", str(stream), "--model", model]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert "english_to_chinese" in result.output


def test_a_scorer_without_vectors_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no vectors"):
        judge_likeness(identity_scorer(), STREAM)


@pytest.mark.parametrize("rows", [[], [{"text": "no cluster"}], [{"cluster": 1}]])
def test_a_stream_that_cannot_be_judged_is_refused(rows: list[dict[str, object]]) -> None:
    with pytest.raises(InvalidInput, match=r"no rows|row 1"):
        judge_likeness(build_text_scorer(), rows)


def test_a_text_without_pieces_has_a_row_of_zeros_and_keeps_it() -> None:
    scorer = build_text_scorer()
    scorer.start()
    vectors = vectors_of(scorer, ["", "a flood in town", "一场洪水"])
    scorer.close()
    assert vectors.shape == (3, scorer.vector_width)
    lengths = np.linalg.norm(centred(vectors), axis=1)
    assert lengths == pytest.approx([0, 1, 1], abs=1e-5)


def test_mutual_information_is_one_for_renamed_clusters_and_zero_for_unrelated_ones() -> None:
    assert normalized_mutual_information(list("aabbcc"), [9, 9, 4, 4, 1, 1]) == pytest.approx(1)
    assert normalized_mutual_information(list("abab"), [0, 0, 1, 1]) == pytest.approx(0)
    assert normalized_mutual_information(list("aaaa"), [3, 3, 3, 3]) == 1


def test_mutual_information_is_shared_by_the_arithmetic_mean_of_the_entropies() -> None:
    # H(true) = ln 2, H(found) = 1.5 ln 2, and knowing `found` tells all of `true`.
    assert normalized_mutual_information(list("aabb"), [0, 0, 1, 2]) == pytest.approx(1 / 1.25)


def test_a_mean_for_each_language_undoes_an_offset_between_the_languages() -> None:
    generator = np.random.default_rng(5)
    english = generator.normal(size=(50, 32)).astype(np.float32)
    others = generator.normal(size=(150, 32)).astype(np.float32)
    chinese = np.concatenate([english, others])
    shifted = chinese * 0.2 + np.eye(32, dtype=np.float32)[0] * 9
    apart = find_translations(english, shifted, mean_by_language=True)
    joint = find_translations(english, shifted, mean_by_language=False)
    assert apart.english_to_chinese.all()
    assert apart.chinese_to_english.all()
    assert not joint.english_to_chinese.all()
    assert not joint.chinese_to_english.all()


def test_our_pairs_are_two_hundred_translations_among_a_thousand_sentences() -> None:
    sentences = read_pairs()
    paired = [sentence for sentence in sentences if sentence.en is not None]
    near = [sentence.near for sentence in sentences if sentence.near is not None]
    assert (len(sentences), len(paired)) == (1000, 200)
    assert sentences[:200] == paired
    assert len({s.zh for s in sentences}) == 1000
    assert len({s.en for s in paired}) == 200
    assert len(near) >= 200
    assert all(0 <= pair < 200 for pair in near)
    assert min(Counter(s.domain for s in paired).values()) >= 15
