"""The watches that fit the scenario.

In: nothing. Out: records for topic `watches`. Imports contracts alone.
"""

from contracts.watches import Rule, Watch

NORVIA = "(norvia OR 诺维亚 OR N9)"
DANGER = (
    "(overheating OR overheat OR overheats OR burned OR burns OR smoke OR fire OR scorched OR "
    "过热 OR 发烫 OR 烫伤 OR 冒烟 OR 着火)"
)
VOLUME = Rule("volume_spike")
BY_TOPIC = Rule("negative_surge", {"by": "topic"})
MOOD = (
    Rule("negative_surge"),
    Rule("emotion_shift", {"emotion": "anger"}, "anger"),
    Rule("emotion_shift", {"emotion": "fear"}, "fear"),
)


def scenario_watches(tenant: str = "default") -> list[Watch]:
    """Return four watches: the phone maker, the danger, its support desk, and the parcel carrier."""
    heat = f"{NORVIA} AND {DANGER}"
    desk = f"{NORVIA} AND kind:support"
    return [
        _watch("norvia", "Norvia", query=NORVIA, tenant=tenant, rules=(*MOOD, VOLUME, BY_TOPIC)),
        _watch("norvia-danger", "Norvia: heat and fire", query=heat, tenant=tenant, rules=(VOLUME,)),
        _watch("norvia-support", "Norvia: support desk", query=desk, tenant=tenant, rules=MOOD[:1]),
        _watch("larkpost", "Larkpost", query="larkpost OR 云雀速递", tenant=tenant, rules=(*MOOD, VOLUME)),
    ]  # fmt: skip


def _watch(id: str, name: str, *, query: str, tenant: str, rules: tuple[Rule, ...]) -> Watch:
    return Watch(id=id, name=name, query=query, tenant=tenant, owner="scenario", rules=rules)
