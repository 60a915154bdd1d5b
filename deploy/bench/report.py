"""A measurement as tables. In: a report. Out: Markdown lines. Pure."""

from collections.abc import Iterator

from deploy.bench.measuring import Report

MEANINGS = {
    "pipeline": "service ÷ `transformers.pipeline`, one head",
    "pipeline_all_heads": "service, all heads ÷ one pipeline a head",
    "smart_loop": "service ÷ onnxruntime, one text at a time",
    "raw_forward": "service, one process ÷ the network alone",
    "two_processes": "two processes ÷ one",
    "tensorrt_service": "on TensorRT: service, one process ÷ the network alone",
    "tensorrt_forward": "the network alone: TensorRT ÷ PyTorch on the same GPU",
    "repeats": "30 % repeated texts ÷ none",
    "p99_250ms": "rate that keeps p99 within 250 ms ÷ saturation",
}


def lines_of(report: Report) -> Iterator[str]:
    """Yield the tables: ratios, rates, latency, machine."""
    yield "| ratio | median | rounds |"
    yield "|---|---|---|"
    for name, meaning in MEANINGS.items():
        if name in report.ratios:
            least, most = report.ranges.get(name, (None, None))
            spread = "" if least is None else f"{least:.2f} to {most:.2f}"
            yield f"| {meaning} | {report.ratios[name]:.2f} | {spread} |"
    yield ""
    yield "| arm | records a second | CPU ms a record |"
    yield "|---|---|---|"
    for name, rate in report.rates.items():
        yield f"| {name} | {rate:,.0f} | {report.cpu_ms[name]:.2f} |"
    yield ""
    yield "| share of saturation | p50 ms | p90 | p99 | p99.9 |"
    yield "|---|---|---|---|---|"
    for share, found in report.latency_ms.items():
        yield f"| {float(share):.0%} | {' | '.join(f'{value:,.0f}' for value in found.values())} |"
    yield ""
    yield f"{report.rounds} rounds; " + ", ".join(f"{k} {v}" for k, v in report.environment.items())
