"""A report is told as tables."""

from deploy.bench.measuring import Report
from deploy.bench.report import MEANINGS, lines_of


def report(**ratios: float) -> Report:
    return Report(
        ratios=ratios,
        ranges={name: (value - 0.1, value + 0.1) for name, value in ratios.items()},
        rates={"service": 500.0},
        cpu_ms={"service": 2.0},
        latency_ms={"0.3": {"p50": 40.0, "p90": 60.0, "p99": 90.0, "p99_9": 120.0}},
        agreement={"smart_loop": 0.99},
        rounds=5,
        texts=100,
        environment={"cores": "2"},
    )


def test_a_report_is_told_as_tables() -> None:
    lines = list(lines_of(report(smart_loop=1.5, p99_250ms=0.7)))
    assert "| service ÷ onnxruntime, one text at a time | 1.50 | 1.40 to 1.60 |" in lines
    assert f"| {MEANINGS['p99_250ms']} | 0.70 | 0.60 to 0.80 |" in lines
    assert "| 30% | 40 | 60 | 90 | 120 |" in lines
    assert lines[-1] == "5 rounds; cores 2"


def test_ratios_of_tensorrt_stand_in_a_report_only_where_it_ran() -> None:
    for name in ("tensorrt_service", "tensorrt_forward"):
        told = [line for line in lines_of(report(**{name: 2.0})) if MEANINGS[name] in line]
        assert told == [f"| {MEANINGS[name]} | 2.00 | 1.90 to 2.10 |"]
    assert not any("TensorRT" in line for line in lines_of(report(smart_loop=1.5)))
