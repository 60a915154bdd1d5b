"""Find, fetch and verify the jars of Apache Kafka.

In: `jgo.lock.toml` beside this file (46 coordinates, each with its sha256, no address) and a Maven cache folder.
Out: the paths of jars whose bytes are exactly the locked ones. Must not import the node, which stands above it.

The pure-Python client of jgo fetches, so neither `java` nor `mvn` is needed. What is fetched lands in a folder of
its own inside the cache, is hashed there, and only then moves to its place, so that two programs that start at the
same time, or one that is ended half-way, never leave a wrong jar behind.
"""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from contracts.errors import DownloadFailed
from deploy.kafka.java import missing_extra

LOCK = Path(__file__).with_name("jgo.lock.toml")
TRIES = 3
TIMEOUT_S = 30

log = structlog.get_logger(__name__)


class LockedJar(msgspec.Struct, frozen=True, rename="camel"):
    """Name one jar by Maven coordinate and the sha256 of its bytes."""

    group_id: str
    artifact_id: str
    version: str
    sha256: str
    packaging: str = "jar"

    @property
    def path(self) -> Path:
        """Give the jar's place inside a Maven repository."""
        folder = Path(*self.group_id.split("."), self.artifact_id, self.version)
        return folder / f"{self.artifact_id}-{self.version}.{self.packaging}"


class LockFile(msgspec.Struct, frozen=True):
    """Hold what we read of a lock file in jgo's own format."""

    dependencies: tuple[LockedJar, ...]


def read_lock(path: Path = LOCK) -> tuple[LockedJar, ...]:
    """Read the locked jars, in class path order."""
    return msgspec.toml.decode(path.read_bytes(), type=LockFile).dependencies


def kafka_version() -> str:
    """Return the version of Apache Kafka that is locked."""
    return next(jar.version for jar in read_lock() if jar.group_id == "org.apache.kafka")


def resolve_jars(cache: Path | None = None, *, lock: Path = LOCK) -> tuple[Path, ...]:
    """Return verified jars in class path order, fetching those that `cache` lacks.

    `cache` is a Maven repository; None means the one that jgo is set to (`M2_REPO`, jgo's settings file, else
    `~/.m2/repository`). Every jar is hashed at every call (44 MB, about 0.1 s). Raises MissingExtra, or DownloadFailed
    when a jar cannot be fetched or its hash is not the locked one.
    """
    jars = read_lock(lock)
    root = cache or _default_cache()
    missing = [jar for jar in jars if not (root / jar.path).exists()]
    if missing:
        log.info("kafka_jars_fetch_started", jars=len(missing), cache=str(root))
        started = time.monotonic()
        _fetch_batch(missing, root)
        log.info("kafka_jars_fetch_finished", seconds=round(time.monotonic() - started, 1))
    for jar in jars:
        _verify_one(jar, root / jar.path)
    return tuple(root / jar.path for jar in jars)


def _default_cache() -> Path:
    try:
        from jgo.config import GlobalSettings
    except ImportError as error:
        raise missing_extra("jgo") from error
    return GlobalSettings.load().repo_cache


def _fetch_batch(jars: Sequence[LockedJar], root: Path) -> None:
    staging = _make_staging(root)
    try:
        for jar in jars:
            _fetch_one(jar, staging)
            _verify_one(jar, staging / jar.path)
            target = root / jar.path
            target.parent.mkdir(parents=True, exist_ok=True)
            (staging / jar.path).replace(target)
    finally:
        shutil.rmtree(staging)


def _make_staging(root: Path) -> Path:
    try:
        root.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".hubbub-", dir=root))
    except OSError as error:
        raise DownloadFailed(
            f"the cache folder {root} for Kafka's jars cannot be written ({error}); expected a folder of "
            "your own, which the environment variable M2_REPO can name"
        ) from error


def _fetch_one(jar: LockedJar, staging: Path) -> None:
    """Fetch one jar into `staging`; jgo reports a refusal as RuntimeError, a broken line as OSError."""
    try:
        from jgo.config import GlobalSettings
        from jgo.constants import MAVEN_CENTRAL_URL
        from jgo.maven import MavenContext
    except ImportError as error:
        raise missing_extra("jgo") from error
    repositories = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    context = MavenContext(repo_cache=staging, remote_repos=repositories, timeout=TIMEOUT_S)
    component = context.project(jar.group_id, jar.artifact_id).at_version(jar.version)
    for attempt in range(1, TRIES + 1):
        try:
            component.artifact(packaging=jar.packaging).resolve()
            return
        except (OSError, RuntimeError) as error:
            # jgo writes in place: what a broken line left must not pass for the jar on the next try.
            (staging / jar.path).unlink(missing_ok=True)
            if attempt == TRIES:
                raise DownloadFailed(_fetch_message(jar, error)) from error
            time.sleep(0.5 * attempt)


def _fetch_message(jar: LockedJar, error: Exception) -> str:
    return (
        f"{jar.path.name} of Apache Kafka could not be fetched in {TRIES} tries: {error}; expected Maven Central or "
        "a mirror of it: check the network, name a mirror as `central` under [repositories] in jgo's settings "
        "(~/.config/jgo.conf), or point M2_REPO at a folder that already holds the jars"
    )


def _verify_one(jar: LockedJar, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise DownloadFailed(
            f"{path} is not the locked jar: expected sha256 {jar.sha256}, found {found}; delete that file and "
            "start again to fetch it anew; if it comes back the same, the mirror it comes from is not to be trusted"
        )
