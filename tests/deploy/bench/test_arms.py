"""An arm's turn has topics and a group of its own."""

from deploy.bench.arms import settings_of


def test_two_turns_share_neither_topics_nor_a_group() -> None:
    # Given the settings of two turns on one broker
    one, other = (settings_of("127.0.0.1:1", f"bench.smart_loop.{turn}.") for turn in range(2))
    # Then neither waits for what the other left behind
    assert one.topics.prefix != other.topics.prefix
    assert one.score.group != other.score.group
