"""Arms take turns forth and back, and only what was measured in one round is compared."""

from pathlib import Path

import pytest

from contracts.errors import InvalidInput
from deploy.bench.measuring import Plan, Report
from deploy.bench.report import lines_of
from deploy.bench.texts import distinct_texts, with_repeats
from deploy.bench.turns import Ratio, longest_within, order, percentile, ratio


def test_arms_take_turns_forth_and_back() -> None:
    assert [arm for _, arm in order("abc", 3)] == list("abccbaabc")
    assert [turn for turn, _ in order("ab", 2)] == [0, 0, 1, 1]


def test_a_ratio_is_of_the_same_round() -> None:
    # Given a machine that was twice as fast in the second round
    rates = {"one": [10.0, 20.0, 11.0], "other": [5.0, 10.0, 5.0]}
    # Then the ratio hardly moves
    assert ratio(rates, "one", below="other") == Ratio(2.0, 2.0, 2.2)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.001, 1.0)]
)
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_latency_holds_up_to_the_first_rate_at_which_it_does_not() -> None:
    assert longest_within({0.5: 90.0, 0.3: 80.0, 0.7: 300.0, 0.8: 100.0}, 250.0) == 0.5
    assert longest_within({0.3: 251.0}, 250.0) == 0.0


def test_texts_are_all_different_and_a_share_of_them_repeated() -> None:
    texts = distinct_texts(2000)
    assert len(set(texts)) == 2000
    assert texts == distinct_texts(2000)
    repeated = with_repeats(texts, 0.3)
    assert len(repeated) == 2000
    assert 0.67 < len(set(repeated)) / 2000 < 0.73


def test_a_file_with_too_few_texts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "few.jsonl"
    path.write_text('{"text": "one"}\n{"text": "one"}\n', encoding="utf-8")
    with pytest.raises(InvalidInput, match="1 different texts; expected 5"):
        distinct_texts(5, files=[path])


def test_a_report_is_told_as_tables() -> None:
    report = Report(
        ratios={"smart_loop": 1.5, "p99_250ms": 0.7},
        ranges={"smart_loop": (1.4, 1.6)},
        rates={"service": 500.0},
        cpu_ms={"service": 2.0},
        latency_ms={"0.3": {"p50": 40.0, "p90": 60.0, "p99": 90.0, "p99_9": 120.0}},
        agreement={"smart_loop": 0.99},
        rounds=Plan().rounds,
        texts=100,
        environment={"cores": "2"},
    )
    lines = list(lines_of(report))
    assert "| service ÷ onnxruntime, one text at a time | 1.50 | 1.40 to 1.60 |" in lines
    assert "| 30% | 40 | 60 | 90 | 120 |" in lines
    assert lines[-1] == "5 rounds; cores 2"
