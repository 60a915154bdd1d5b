"""An arm is compared only where it says what the service says, and the service is the one of the settings."""

import pytest

from contracts.errors import ModelInvalid
from deploy.bench.arms import settings_of
from deploy.bench.gate import agreeing, gate, service_scorer
from deploy.bench.texts import distinct_texts

TEXTS = distinct_texts(40)


def test_the_loop_by_hand_says_what_the_service_says() -> None:
    settings = settings_of("127.0.0.1:1", "bench.", model="bundled", engine="ort")
    passed = gate(TEXTS, settings, has_pipelines=False)
    assert set(passed.agreement) == {"smart_loop"}
    assert passed.agreement["smart_loop"] >= 0.95
    assert passed.engine == "ort"
    assert passed.model.endswith(service_scorer(settings).model_version)


@pytest.mark.slow
def test_the_pipelines_by_hand_say_what_the_service_says() -> None:
    pytest.importorskip("transformers")
    settings = settings_of("127.0.0.1:1", "bench.", model="bundled", engine="ort")
    agreement = gate(TEXTS[:20], settings, has_pipelines=True).agreement
    assert set(agreement) == {"smart_loop", "pipeline"}
    assert agreement["pipeline"] >= 0.95


def test_the_gate_asks_the_service_on_the_engine_of_its_settings() -> None:
    pytest.importorskip("torch")
    settings = settings_of("127.0.0.1:1", "bench.", model="bundled", engine="pytorch")
    assert gate(TEXTS[:20], settings, has_pipelines=False).engine == "pytorch"


def test_a_loop_by_hand_of_another_model_than_the_service_runs_is_refused() -> None:
    # Given a service that runs another model than the loop
    settings = settings_of("127.0.0.1:1", "bench.", model="identity")
    with pytest.raises(ModelInvalid, match=r"smart_loop says .* in 0.0% of 200 labels"):
        gate(TEXTS, settings, has_pipelines=False)


def test_a_share_of_labels_just_below_the_least_is_refused_with_its_figures() -> None:
    # Given a service that says yes of twenty texts, and an arm that says no of two of them
    texts = [f"text {number}" for number in range(20)]
    told = [{"answer": "yes"}] * 20

    def answer(text: str) -> dict[str, str]:
        return {"answer": "no" if text in denied else "yes"}

    denied = {"text 3", "text 7"}
    with pytest.raises(ModelInvalid, match=r"loop says .* in 90.0% of 20 labels, expected 95%"):
        agreeing("loop", answer, texts=texts, told=told)
    # When it says no of one alone, it may be compared
    denied = {"text 3"}
    assert agreeing("loop", answer, texts=texts, told=told) == 0.95


def test_an_arm_that_says_nothing_is_refused() -> None:
    with pytest.raises(ModelInvalid, match="of 0 labels"):
        agreeing("loop", lambda _: {}, texts=["a"], told=[{"answer": "yes"}])
