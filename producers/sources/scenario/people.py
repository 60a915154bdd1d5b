"""People: who speaks in the scenario.

In: a seed and made-up names. Out: authors with followers, the same for the same seed. Must not import Kafka or the
clock.
"""

import random

from contracts.events import Author
from producers.sources.scenario.phrases import Crowd

POOL = 900
AGENTS = 12
FOLLOWERS_MEDIAN_LOG = 5.2  # e^5.2 is about 180 followers
FOLLOWERS_SPREAD = 1.6


class Cast:
    """Hold the people of one language: a crowd, news outlets, customers and support agents."""

    def __init__(self, lang: str, crowd: Crowd, *, rng: random.Random) -> None:
        self._lang = lang
        self._crowd = crowd
        self._rng = rng
        self._people = [self._person(number) for number in range(POOL)]

    def person(self) -> Author:
        """Return somebody of the crowd; a few speak far more often than most."""
        return self._people[int(POOL * self._rng.random() ** 2)]

    def outlet(self) -> Author:
        """Return a news outlet."""
        name, thousands = self._rng.choice(self._crowd.outlets)
        number = [outlet[0] for outlet in self._crowd.outlets].index(name)
        return Author(f"{self._lang}-outlet-{number}", name, thousands * 1000)

    def customer(self) -> Author:
        """Return a customer of a support desk, known by number alone."""
        return Author(f"customer-{self._lang}-{self._rng.randrange(4 * POOL):04d}")

    def agent(self) -> Author:
        """Return a support agent."""
        return Author(f"agent-{self._lang}-{self._rng.randrange(AGENTS):02d}")

    def _person(self, number: int) -> Author:
        names, tails = self._crowd.names, self._crowd.tails
        name = f"{self._rng.choice(names)}{self._rng.choice(tails)}{number % 97 or ''}"
        followers = int(self._rng.lognormvariate(FOLLOWERS_MEDIAN_LOG, FOLLOWERS_SPREAD))
        return Author(f"{self._lang}-{number:04d}", name, followers)
