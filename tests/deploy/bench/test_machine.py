"""A measurement says what it ran on: program, processor, memory, GPU, libraries."""

from importlib import metadata

from deploy.bench.machine import machine


def test_a_machine_is_told_with_the_version_of_hubbub_and_its_memory() -> None:
    found = machine()
    assert found["hubbub"] == metadata.version("hubbub")
    size, unit = found["memory"].split()
    assert float(size) > 0.1
    assert unit == "GiB"
    assert found["onnxruntime"] == metadata.version("onnxruntime")


def test_what_is_not_there_is_said_to_be_missing() -> None:
    found = machine()
    assert all(found.values())
    assert {"processor", "cores", "gpu", "system", "python", "tensorrt"} <= set(found)
