"""One worker of a test's stage as a process: `python -m tests.stages.worker fork --group fork --slot 0`.

In: the settings of the environment, fault points as the real command has them. Out: exit code 0 after SIGTERM or when
idle, 70 for what ends a worker. `--plain` writes outputs outside the transaction, as a pipeline without it would.
"""

import argparse
import os
import re
import signal
import sys
import time

from consumers.protocols import Record, Stage
from consumers.runtime import loop
from consumers.runtime.faults import VARIABLE, Faults
from consumers.runtime.outcome import Writes
from consumers.runtime.transaction import Transactor
from contracts.errors import HubbubError
from contracts.settings import Settings, load
from producers.publisher import Publisher
from tests.stages.counting import CountingStage
from tests.stages.forking import ForkingStage

POISON = b"poison"
SLEEPER = re.compile(rb"sleep([0-9]+)")


def wrong(record: Record) -> None:
    """End this process at a poisonous record; take a while for a slow one."""
    value = record.value or b""
    if POISON in value:
        os._exit(9)
    if asleep := SLEEPER.search(value):
        sys.stderr.write("asleep\n")
        time.sleep(float(asleep[1]))


def build_stage(name: str, settings: Settings) -> Stage:
    """Return a stage by its name."""
    return CountingStage(settings) if name == "count" else ForkingStage(settings, wrong)


class PlainTransactor(Transactor):
    """Send outputs at once and visible to all, state and offsets later: at least once, not exactly once."""

    plain: Publisher

    def _send_outputs(self, writes: Writes) -> None:
        for output in writes.outputs:
            self.plain.send(
                output.topic, output.value, key=output.key, headers=output.headers,
                partition=output.partition,
            )  # fmt: skip
        self.plain.flush()
        self._faults.reach("sent")


def main(words: list[str]) -> int:
    """Run one worker to its end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stage")
    parser.add_argument("--group", required=True)
    parser.add_argument("--slot", type=int, default=0)
    parser.add_argument("--until-idle", type=float)
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args(words)
    settings = load()
    if given.plain:
        PlainTransactor.plain = Publisher(settings.kafka, settings.runtime, client_id="plain")
        PlainTransactor.plain.start()
        vars(loop)["Transactor"] = PlainTransactor
    worker = loop.Worker(
        settings, build_stage(given.stage, settings), group=given.group, slot=given.slot,
        faults=Faults(os.environ.get(VARIABLE, "")), until_idle_s=given.until_idle,
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    try:
        worker.run()
    except HubbubError as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        return 70
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
