"""A plan names the arms, and which of them are compared: those of TensorRT only where it runs."""

from collections.abc import Mapping

from deploy.bench.plan import Plan, arms_of, ratios_of
from deploy.bench.turns import Ratio

ALWAYS = {"raw_forward", "smart_loop", "two_processes", "repeats"}
PIPELINES = {"pipeline", "pipeline_all_heads"}


def rates_of(plan: Plan, *raws: str, **faster: float) -> Mapping[str, list[float]]:
    """Return rates of 1 for every arm of a plan, but those that are said to be faster."""
    return {name: [faster.get(name, 1.0)] for name in arms_of(plan, raws=raws)}


def test_every_ratio_is_of_the_arms_that_it_names() -> None:
    # Given rates that tell every arm from every other
    rates = rates_of(
        Plan(), "raw_forward", service=10.0, two_processes=19.0, raw_forward=12.5, smart_loop=5.0, repeats=13.0,
        pipeline=0.5, pipeline_all_heads=0.1, identity=99.0,
    )  # fmt: skip
    found = {name: each.median for name, each in ratios_of(rates, engine="ort").items()}
    # Then one process stands beside the bare network, two stand beside the loops of two threads
    assert found == {
        "raw_forward": 0.8, "smart_loop": 3.8, "two_processes": 1.9, "repeats": 1.3, "pipeline": 38.0,
        "pipeline_all_heads": 190.0,
    }  # fmt: skip


def test_without_pipelines_there_are_no_arms_and_no_ratios_of_them() -> None:
    for has_pipelines, expected in ((True, ALWAYS | PIPELINES), (False, ALWAYS)):
        plan = Plan(has_pipelines=has_pipelines)
        assert set(ratios_of(rates_of(plan, "raw_forward"), engine="ort")) == expected
        assert set(arms_of(plan, raws=["raw_forward"])) == expected | {"identity", "service"}


def test_tensorrt_is_compared_with_torch_and_itself_only_where_the_service_runs_on_it() -> None:
    # Given a service on TensorRT, half as fast as its network, which is four times as fast as torch
    plan = Plan(has_pipelines=False)
    rates = rates_of(plan, "raw_forward", "raw_pytorch", raw_forward=2.0, raw_pytorch=0.5)
    found = ratios_of(rates, engine="tensorrt")
    assert set(found) == ALWAYS | {"tensorrt_service", "tensorrt_forward"}
    assert found["tensorrt_service"] == Ratio(0.5, 0.5, 0.5)
    assert found["tensorrt_forward"] == Ratio(4.0, 4.0, 4.0)
    # When torch cannot run there
    without = ratios_of(rates_of(plan, "raw_forward"), engine="tensorrt")
    # Then only what TensorRT does by itself is told
    assert set(without) == ALWAYS | {"tensorrt_service"}
