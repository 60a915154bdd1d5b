"""Say the facts of an alert as a sentence, in English and in Chinese.

In: evidence, its rule, the watch's name and the group. Out: sentences by language. Made from the evidence alone, and
never from a text but for the phrases that set the window apart. Pure.

>>> evidence = Evidence(
...     measure="negative_share",
...     observed=0.62,
...     threshold=0.5,
...     window_s=300,
...     mentions=42,
...     voices=30,
...     sources={"chirp": 35, "newswire": 7},
... )
>>> for sentence in say(evidence, AlertRule("mood", "threshold", "1"), name="Norvia").values():
...     print(sentence)
Norvia: 62 % are negative, above the limit of 50 %, in 42 mentions by 30 voices from 2 sources within 5 minutes.
【Norvia】5分钟内负面占比为62%，高于阈值50%；共42条相关内容，出自2个来源、30位独立发言者。
"""

from consumers.alerting.chinese import chinese
from consumers.alerting.english import english
from consumers.alerting.rule import AlertRule
from consumers.alerting.wording import Told
from contracts.alerts import Evidence


def say(evidence: Evidence, rule: AlertRule, *, name: str, group: str = "") -> dict[str, str]:
    """Return the sentence in `en` and in `zh`; `group` is as in a verdict: `topic=health`, empty for all."""
    head, _, label = group.partition("=")
    told = Told(evidence, rule, name, head if label else "", label)
    return {"en": english(told), "zh": chinese(told)}
