"""The network alone, without Kafka: the most that a service around it could reach.

In: texts. Out: turns. Tokenising lies before the time that counts.
"""

import time
from collections.abc import Sequence

from deploy.bench.running import Turn
from models.batching import pad_batch, plan_batches
from models.registry import locate_model, open_model

BUDGETS = (256, 512, 1024)
# So many texts tell which portion is the best.
LOOK = 600


class RawForward:
    """The network alone over texts that are tokenised already and sorted, in portions of its best size."""

    def __init__(self, texts: Sequence[str]) -> None:
        from tokenizers import Tokenizer

        from models.engines.ort import OrtEngine

        installed = open_model(locate_model("bundled"))
        self._text = installed.manifest.text
        tokenizer = Tokenizer.from_file(str(installed.folder / installed.manifest.tokenizer))
        limit = self._text.token_limit - 2
        self._rows = [
            [self._text.begin_id, *each.ids[:limit], self._text.end_id]
            for each in tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]
        self._engine = OrtEngine(
            installed.folder / installed.manifest.network, installed.manifest.labels
        )
        # Chosen once: the best of several in each round would be the luckiest.
        self._budget = max(BUDGETS, key=lambda budget: self._turn(budget, LOOK).rate)

    def turn(self) -> Turn:
        """Return how fast all of them are read."""
        return self._turn(self._budget, len(self._rows))

    def _turn(self, budget: int, count: int) -> Turn:
        rows = self._rows[:count]
        plan = plan_batches(
            [len(row) for row in rows], token_budget=budget, pass_tokens=self._engine.pass_tokens
        )
        batches = [
            pad_batch([rows[at] for at in batch.positions], batch.width, pad_id=self._text.pad_id)
            for batch in plan
        ]
        self._engine.start()
        self._engine.run(batches[0])
        began, cpu = time.perf_counter(), time.process_time()
        for batch in batches:
            self._engine.run(batch)
        rate = len(rows) / (time.perf_counter() - began)
        found = Turn(rate, (time.process_time() - cpu) / len(rows))
        self._engine.close()
        return found
