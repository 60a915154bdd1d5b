"""Plans lie under the home of models by their key, and only what is whole and certified comes back."""

import hashlib
import resource
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.errors import EngineFailed, InvalidInput
from models.engines.certificate import Certificate, HeadParity, Parity
from models.engines.plan_cache import PlanCache, PlanKey, PlanRecord

NOW = datetime(2026, 11, 27, tzinfo=UTC)
KEY = PlanKey("ab" * 32, 1, "tensorrt_rtx", "1.7.1.116", "any", "16,all")
PLAN = b"vtrt and more"
GPU = "GPU A"
PARITY = Parity(4_000, {"emotion": HeadParity(0.9996, 0.0005)}, 0.9998, 1.0)


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(tmp_path / "models")


def record(plan: bytes = PLAN, key: PlanKey = KEY) -> PlanRecord:
    sha256 = hashlib.sha256(plan).hexdigest()
    return PlanRecord(key, sha256, len(plan), ((16, 256), (24, 256)), 50, NOW, 8.4)


def certificate(**changes: Any) -> Certificate:
    made = Certificate(KEY.name, record().plan_sha256, GPU, "float32", "texts", PARITY, NOW, {}, "")
    return msgspec.structs.replace(made, **changes)


def test_a_plan_comes_back_as_it_was_written(cache: PlanCache) -> None:
    cache.write_plan(PLAN, record())
    stored = cache.read_plan(KEY)
    assert (stored.plan, stored.record) == (PLAN, record())
    assert sorted(path.name for path in cache.folder.iterdir()) == [
        f"{KEY.name}.json",
        f"{KEY.name}.plan",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"model": "cd" * 32},
        {"recipe": 2},
        {"runtime": "tensorrt"},
        {"version": "1.7.2.0"},
        {"gpu": "GPU B"},
        {"shapes": "32,all"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_plan_of_another_key_is_not_found(cache: PlanCache, change: dict[str, Any]) -> None:
    # Given a plan
    cache.write_plan(PLAN, record())
    # When one is asked for that differs in one thing, such as TensorRT's version
    other = msgspec.structs.replace(KEY, **change)
    # Then there is none, and the words say how to make it
    with pytest.raises(EngineFailed, match=r"no plan of .*run `hubbub models build"):
        cache.read_plan(other)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (".plan", b"vtrt and less", "the file was changed"),
        (".plan", None, "cannot read .*plan: No such file"),
        (".json", b"{", r"cannot read .*json: "),
        (".json", b'{"key": 1}', r"cannot read .*json: Expected"),
        (".json", None, "no plan of"),
    ],
    ids=["changed plan", "no plan", "no JSON", "another record", "no record"],
)
def test_what_is_not_whole_is_refused(
    cache: PlanCache, file: str, content: bytes | None, words: str
) -> None:
    # Given a plan with a file that was changed or lost
    cache.write_plan(PLAN, record())
    path = cache.folder / f"{KEY.name}{file}"
    path.unlink() if content is None else path.write_bytes(content)
    # Then it is refused with the place, and written anew it is whole again
    with pytest.raises(EngineFailed, match=words):
        cache.read_plan(KEY)
    cache.write_plan(PLAN, record())
    assert cache.read_plan(KEY).plan == PLAN


def test_a_record_under_another_s_name_is_refused(cache: PlanCache) -> None:
    cache.write_plan(PLAN, record())
    foreign = record(key=msgspec.structs.replace(KEY, version="1.6"))
    (cache.folder / f"{KEY.name}.json").write_bytes(msgspec.json.encode(foreign))
    with pytest.raises(EngineFailed, match=f"is of another plan, {foreign.key.name}"):
        cache.read_plan(KEY)
    (listed,) = cache.listed()
    assert "no record of its own" in listed.problem


def test_a_plan_without_a_certificate_is_not_used(cache: PlanCache) -> None:
    cache.write_plan(PLAN, record())
    with pytest.raises(EngineFailed, match=f"the plan {KEY.name} has no certificate for {GPU}"):
        cache.read_certified(KEY, gpu=GPU)


def test_a_certified_plan_is_given_on_its_gpu_alone(cache: PlanCache) -> None:
    cache.write_plan(PLAN, record())
    cache.write_certificate(certificate())
    assert cache.read_certified(KEY, gpu=GPU).plan == PLAN
    with pytest.raises(EngineFailed, match="it was made on GPU A, this is GPU B"):
        cache.read_certified(KEY, gpu="GPU B")


def test_a_failed_certificate_says_which_head_by_how_much(cache: PlanCache) -> None:
    cache.write_plan(PLAN, record())
    heads = {"emotion": HeadParity(0.999, 0.1), "topic": HeadParity(0.98, 0.4)}
    cache.write_certificate(certificate(parity=msgspec.structs.replace(PARITY, heads=heads)))
    with pytest.raises(
        EngineFailed,
        match=r"does not allow it: topic agrees in 98\.00 % of 4,000 texts, expected 99\.5 %",
    ):
        cache.read_certified(KEY, gpu=GPU)


def test_a_broken_certificate_is_none(cache: PlanCache) -> None:
    cache.write_plan(PLAN, record())
    (cache.folder / f"{KEY.name}.certificate.json").write_bytes(b"{}")
    with pytest.raises(EngineFailed, match=r"cannot read .*certificate\.json"):
        cache.read_certified(KEY, gpu=GPU)


def test_a_plan_built_anew_loses_its_certificate(cache: PlanCache) -> None:
    # Given a certified plan
    cache.write_plan(PLAN, record())
    cache.write_certificate(certificate())
    # When another build takes its place, whose kernels may be others
    cache.write_plan(b"vtrt and others", record(b"vtrt and others"))
    # Then it must be certified again
    with pytest.raises(EngineFailed, match="has no certificate"):
        cache.read_certified(KEY, gpu=GPU)


def test_the_list_has_every_plan_and_what_is_wrong_with_it(cache: PlanCache) -> None:
    # Given no folder, a whole plan, and one whose bytes are cut
    assert list(cache.listed()) == []
    cache.write_plan(PLAN, record())
    cache.write_certificate(certificate())
    other = record(key=msgspec.structs.replace(KEY, version="1.6"))
    cache.write_plan(PLAN, other)
    cache.path_of(other.key.name).write_bytes(PLAN[:4])
    # Then both are listed
    listed = {each.name: each for each in cache.listed()}
    assert listed[KEY.name].certificate == certificate()
    assert listed[KEY.name].problem == ""
    assert "the file was changed" in listed[other.key.name].problem


def test_the_list_sees_wrong_bytes_of_the_right_size(cache: PlanCache) -> None:
    cache.write_plan(PLAN, record())
    cache.path_of(KEY.name).write_bytes(PLAN[::-1])
    (listed,) = cache.listed()
    assert "the file was changed" in listed.problem


def test_a_folder_in_a_plan_s_place_is_told_before_and_as_it_is_written(cache: PlanCache) -> None:
    cache.path_of(KEY.name).mkdir(parents=True)
    words = rf"cannot write .*{KEY.name}\.plan: a folder is in its place; make room there"
    with pytest.raises(InvalidInput, match=words):
        cache.check_writable(KEY)
    with pytest.raises(InvalidInput, match=words):
        cache.write_plan(PLAN, record())
    assert [path.name for path in cache.folder.glob(".*")] == []


def test_a_home_that_cannot_be_a_folder_is_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        InvalidInput, match=r"cannot write .*file/engines: Not a directory; .* with --home"
    ):
        PlanCache(tmp_path / "file").check_writable(KEY)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc, where nobody can write")
def test_a_home_where_nobody_can_write_is_told() -> None:
    with pytest.raises(InvalidInput, match="cannot write /proc/nope/engines: No such file"):
        PlanCache(Path("/proc/nope")).check_writable(KEY)


def test_a_place_without_room_is_told_and_no_file_is_left(cache: PlanCache) -> None:
    # Given room for a kilobyte a file, as on a disk that is nearly full
    plan = b"vtrt" * 1_000
    cache.check_writable(KEY)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    # When a longer plan is written
    try:
        with pytest.raises(InvalidInput) as told:
            cache.write_plan(plan, record(plan))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # Then the words name the path and the remedy, and nothing of it is there
    assert f"cannot write {cache.path_of(KEY.name)}: File too large; make room" in str(told.value)
    assert list(cache.folder.iterdir()) == []
