"""The facts of an alert as a Chinese sentence.

In: a `Told`. Out: one sentence, with full-width punctuation. Pure; numbers are rounded for people, and never so far
that two that differ look alike.

    【Norvia】5分钟内负面占比达74%，平时约为31%（偶然出现的概率约为千万分之一）；共212条相关内容，出自3个来源、
    约180位独立发言者；突出词语：“电池着火”“过热”。
"""

from consumers.alerting.wording import (
    EMOTIONS,
    EXACT_VOICES,
    HEADS_ZH,
    LABELS_ZH,
    NEAR,
    SHARES,
    TOPIC,
    TOPICS,
    Told,
    apart,
    length,
    one_in,
    share_label,
    two_digits,
)

_UNITS = ("秒", "分钟", "小时", "天")
WAN, YI = 10_000, 100_000_000
TRILLION = 1e12
_DIGITS = "零一二三四五六七八九"


def chinese(told: Told) -> str:
    """Return the sentence."""
    if told.rule.kind == "silence":
        return f"【{told.name}】{_silence(told)}。"
    clauses = [f"{_within(told)}{_seen(told)}", *_of_what(told), *_phrases(told)]
    return f"【{told.name}】{_group(told)}{'；'.join(clauses)}。"


def _seen(told: Told) -> str:
    """Return what was observed, and what is usual or the limit."""
    if told.rule.kind == "influential_post":
        return _one_mention(told)
    if share_label(told.evidence.measure) is not None:
        return _share(told)
    return _limited(told) if told.is_past_limit else _count(told)


def _share(told: Told) -> str:
    seen, label = told.evidence, share_label(told.evidence.measure) or ""
    what = SHARES[label][1] if label in SHARES else f"{EMOTIONS.get(label, label)}情绪"
    other = seen.threshold if told.is_past_limit else seen.expected or 0.0
    share, against = apart(seen.observed, other, styles=(_percent, _fine_percent))
    if told.is_past_limit:
        return f"{what}占比为{share}，{_side(told)}阈值{against}"
    usual = against if against.startswith("不足") else f"约为{against}"
    return f"{what}占比达{share}，平时{usual}{_chance(told)}"


def _count(told: Told) -> str:
    seen, usual = told.evidence, told.evidence.expected or 0.0
    noun = "负面内容" if seen.measure == "negative" else "相关内容"
    if usual < 1:
        return f"出现{_number(seen.observed)}条{noun}，平时不足1条{_chance(told)}"
    count, many = _number(seen.observed), _few(usual)
    if usual >= 100 and seen.observed < NEAR * usual:
        count, many = apart(seen.observed, round(usual), styles=(_number, _exact))
    more = _more(seen.observed / usual)
    return f"出现{count}条{noun}，平时约为{many}条{more}{_chance(told)}"


def _more(times: float) -> str:
    """Return how much more than usual it is; what is near the usual in percent, and nothing for what is no more.

    >>> [_more(times) for times in (1.002, 1.04, 1.5, 1.98, 12.3)]
    ['，比平时多不足1%', '，比平时多4%', '，是平时的1.5倍', '，是平时的两倍', '，是平时的12倍']
    """
    if times < NEAR:
        return f"，比平时多{_percent(times - 1)}" if times > 1 else ""
    return "，是平时的两倍" if _few(times) == "2" else f"，是平时的{_few(times)}倍"


def _limited(told: Told) -> str:
    seen = told.evidence
    if seen.measure == "valence":
        value, limit = apart(seen.observed, seen.threshold, styles=(_signed, _finely_signed))
        return f"平均情感值为{value}，{_side(told)}阈值{limit}"
    if seen.measure == "reach":
        value, limit = apart(seen.observed, seen.threshold, styles=(_people, _exact))
        return f"累计触达{value}人，{_side(told)}阈值{limit}人"
    if seen.measure == "voices":
        value, limit = apart(seen.observed, seen.threshold, styles=(_people, _exact))
        about = "约" if seen.observed > EXACT_VOICES else "为"
        return f"独立发言者{about}{value}位，{_side(told)}阈值{limit}位"
    noun, unit = ("来源", "个") if seen.measure == "sources" else ("相关内容", "条")
    value, limit = apart(seen.observed, seen.threshold, styles=(_number, _exact))
    return f"{noun}为{value}{unit}，{_side(told)}阈值{limit}{unit}"


def _one_mention(told: Told) -> str:
    seen = told.evidence
    people, limit = apart(seen.observed, seen.threshold, styles=(_people, _exact))
    noun = "负面内容" if told.rule.measure == "negative_reach" else "内容"
    place = f"来自{told.source}的" if told.source else ""
    return f"有1条{place}{noun}可触达{people}人，{_side(told)}阈值{limit}人"


def _silence(told: Told) -> str:
    silent, limit = _length(told.evidence.observed), _length(told.evidence.threshold)
    what = f"来自{told.rule.source}的内容" if told.rule.source else "任何相关内容"
    return f"已有{silent}没有{what}（阈值为{limit}）"


def _of_what(told: Told) -> list[str]:
    """Return how many mentions, voices and sources there were, without what was said before."""
    seen = told.evidence
    if not seen.mentions or (told.rule.kind == "influential_post" and seen.mentions == 1):
        return []
    mentions = [] if seen.measure == "volume" else [f"共{_number(seen.mentions)}条相关内容"]
    voices = [] if seen.measure == "voices" or not seen.voices else [_voices(seen.voices)]
    if seen.single_source:
        every = "全部" if seen.mentions > 1 else ""
        origin = [f"{every}出自同一来源“{next(iter(seen.sources))}”", *(f"涉及{v}" for v in voices)]
        return ["，".join(mentions + origin)]
    sources = [] if seen.measure == "sources" or not seen.sources else [_sources(told)]
    origin = [f"出自{'、'.join(sources + voices)}"] if sources + voices else []
    return ["，".join(mentions + origin)] if mentions + origin else []


def _voices(count: int) -> str:
    if count > EXACT_VOICES:
        return f"约{_people(count)}位独立发言者"
    return f"{count}位独立发言者"


def _sources(told: Told) -> str:
    return f"{len(told.evidence.sources)}个来源"


def _group(told: Told) -> str:
    if not told.label:
        return ""
    if told.head == TOPIC:
        return f"话题“{TOPICS[told.label][1] if told.label in TOPICS else told.label}”："
    return f"{HEADS_ZH.get(told.head, told.head)}“{LABELS_ZH.get(told.label, told.label)}”："


def _phrases(told: Told) -> list[str]:
    quoted = "".join(f"“{text}”" for text in told.phrases(lambda text: not text.isascii()))
    return [f"突出词语：{quoted}"] if quoted else []


def _chance(told: Told) -> str:
    probability = told.evidence.probability
    if probability is None or probability > 0.5:
        return ""
    if probability < 1 / TRILLION:
        return "（偶然出现的概率不足万亿分之一）"
    return f"（偶然出现的概率约为{_spelled(round(one_in(probability)))}分之一）"


def _side(told: Told) -> str:
    if told.evidence.observed == told.evidence.threshold:
        return "达到"
    return "高于" if told.evidence.observed > told.evidence.threshold else "低于"


def _within(told: Told) -> str:
    return f"{_length(told.evidence.window_s)}内"


def _length(seconds: float) -> str:
    count, unit = length(seconds, units=_UNITS)
    return f"{count}{unit}"


def _spelled(number: int) -> str:
    """Return a number of one significant digit in characters: 两万, 千万, 三百."""
    if number >= YI:
        return f"{_spelled(number // YI) if number > YI else ''}亿"
    if number >= WAN:
        return f"{_spelled(number // WAN) if number > WAN else ''}万"
    if number < 10:
        return "两" if number == 2 else _DIGITS[number]
    digit = int(str(number)[0])
    unit = {2: "十", 3: "百", 4: "千"}[len(str(number))]
    if digit == 1:
        return unit
    return f"{'两' if digit == 2 and unit != '十' else _DIGITS[digit]}{unit}"


def _few(value: float) -> str:
    """Return a number in two digits, from 1 on: 6.2, 26, 1300."""
    return f"{float(f'{value:.1f}'):g}" if value < 9.95 else _people(value)


def _people(value: float) -> str:
    """Return a number in two digits: 180, 5.2万, 120万, 1.2亿."""
    return _number(two_digits(value)) if value >= 100 else f"{value:.0f}"


def _number(value: float) -> str:
    """Return a whole number, from ten thousand on in 万 and 亿 with three digits."""
    for size, unit in ((YI, "亿"), (WAN, "万")):
        if value >= size:
            return f"{float(f'{value:.2e}') / size:g}{unit}"
    return f"{value:.0f}"


def _exact(value: float) -> str:
    return f"{value / WAN:.12g}万" if value >= WAN else f"{value:.0f}"


def _percent(value: float) -> str:
    if 0.995 <= value < 1:
        return _fine_percent(min(value, 0.999))
    return "不足1%" if 0 < value < 0.005 else f"{100 * value:.0f}%"


def _fine_percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:g}".replace("-", "−")


def _finely_signed(value: float) -> str:
    return f"{round(value, 4):g}".replace("-", "−")
