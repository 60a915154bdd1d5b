"""Write `jgo.lock.toml` anew, for whoever moves to another version of Apache Kafka.

In: the coordinates below. Out: the lock file, each jar pinned by the sha256 of what Maven Central gave now.
Run as `python -m deploy.kafka.locking`, then read the difference. Must not be imported at run time.
"""

from pathlib import Path

import typer
from jgo.env import LockFile
from jgo.maven import MavenContext

from deploy.kafka.distribution import LOCK

COORDINATES = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")


def write_lock(path: Path = LOCK) -> int:
    """Resolve the coordinates, hash every jar and write the lock file; return the number of jars."""
    context = MavenContext()
    wanted = [context.create_dependency(name) for name in COORDINATES]
    for dependency in wanted:
        dependency.scope = "compile"
    inputs, transitive = context.resolver.resolve(wanted)
    needed = inputs + [one for one in transitive if one.scope in ("compile", "runtime")]
    LockFile.from_resolved_dependencies(needed).save(path)
    return len(needed)


if __name__ == "__main__":
    typer.echo(f"{write_lock()} jars locked in {LOCK}")
