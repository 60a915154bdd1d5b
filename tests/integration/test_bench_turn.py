"""A measurement on a real Kafka: every record is ended, each arm beside the others, the time that of work alone."""

import msgspec
import pytest
from typer.testing import CliRunner

from contracts.errors import InvalidInput
from deploy.bench.arms import settings_of
from deploy.bench.cli import app
from deploy.bench.latency import latencies_ms, sender
from deploy.bench.measuring import measure
from deploy.bench.plan import Plan
from deploy.bench.running import Arm, take_turn
from deploy.bench.starting import Start
from deploy.bench.texts import distinct_texts
from deploy.kafka.node import KafkaNode


def test_a_turn_of_two_processes_ends_every_record(kafka: KafkaNode) -> None:
    turn = take_turn(
        Arm("identity", 2, 200), distinct_texts(200), bootstrap=kafka.bootstrap, prefix="bench.two."
    )
    assert 20 < turn.rate < 1e6
    assert 0 < turn.cpu_s < 0.05


@pytest.mark.slow
def test_latency_is_measured_of_each_event_after_the_warm_up(kafka: KafkaNode) -> None:
    # Given so few texts that they last for less than the warm-up
    found = latencies_ms(
        distinct_texts(30), 20.0, seconds=2, bootstrap=kafka.bootstrap, prefix="bench.wait."
    )
    # Then they come again, and each event after it is measured
    assert len(found) == 40
    assert all(0 < latency < 30_000 for latency in found)


def test_the_open_loop_sends_what_comes_within_two_milliseconds_together(kafka: KafkaNode) -> None:
    producer = sender(settings_of(kafka.bootstrap, "bench.sender."))
    assert producer.config["linger_ms"] == 2
    producer.close()


def test_a_rate_that_sends_nothing_after_the_warm_up_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"0.10 events a second for 5 s are none to measure"):
        latencies_ms(["text"], 0.1, seconds=5, bootstrap="127.0.0.1:1", prefix="bench.none.")


@pytest.mark.slow
def test_an_engine_that_gives_way_in_an_arm_is_told_on_stderr(
    kafka: KafkaNode, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # Given a worker that is to run on TensorRT, for which there is no plan
    monkeypatch.setenv("HUBBUB_SCORE_ENGINE", "tensorrt")
    monkeypatch.setenv("HUBBUB_MODELS_HOME", "/nowhere")
    # When it takes a turn
    arm = Arm("service", 1, 20)
    turn = take_turn(arm, distinct_texts(20), bootstrap=kafka.bootstrap, prefix="bench.fell.")
    # Then another engine ended every record, and a person can see it
    assert turn.rate > 0
    assert "engine_fell_back" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_measurement_tells_every_ratio_and_what_it_ran_on(kafka: KafkaNode) -> None:
    # Given the smallest plan, without pipelines
    plan = Plan(1, 50, 1, has_pipelines=False, passes=1, shares=(0.3,))
    said: list[str] = []
    # When all of it is measured
    report = measure(distinct_texts(200), plan=plan, bootstrap=kafka.bootstrap, tell=said.append)
    # Then the gate came first, and every arm that is compared stands in the report with its rate
    assert said[0].startswith("gate: {'smart_loop': ")
    arms = {"raw_forward", "smart_loop", "two_processes", "repeats"}
    told = arms | {"p99_250ms"}
    assert set(report.rates) == set(report.cpu_ms) == arms | {"identity", "service"}
    assert set(report.ratios) == set(report.ranges) == told
    assert all(rate > 0 for rate in report.rates.values())
    # And each ratio lies in its range
    for name in told:
        least, most = report.ranges[name]
        assert 0 <= least <= most
    assert list(report.latency_ms) == ["0.3"]
    quantiles = list(report.latency_ms["0.3"].values())
    assert quantiles == sorted(quantiles)
    assert report.environment["engine"] in {"ort", "pytorch", "tensorrt"}
    assert report.environment["model"].startswith("hubbub-text ")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("kafka")
def test_starts_are_measured_cold_and_warm_with_memory() -> None:
    # When a worker is started once of each kind, on a Kafka of the command's own
    words = ["start", "--rounds", "1", "--records", "50", "--json"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    # Then seconds and megabytes are told
    found = msgspec.json.decode(result.stdout, type=Start)
    assert 0.5 < found.warm_s < 90
    assert 0.5 < found.cold_s < 90
    assert 50 < found.ready_mb < 2000
    assert 50 < found.working_mb < 2000
    assert found.rounds == 1
