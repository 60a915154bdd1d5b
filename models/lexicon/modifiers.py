"""Name the closed classes around an emotion word: what negates it, what strengthens it, what ends a clause.

In: nothing. Out: tables from a word to its part. Pure data, written by hand: these are function words, not emotions.
Imports nothing of ours.

Degrees follow Taboada et al., Lexicon-Based Methods for Sentiment Analysis, 2011 (slightly -50 %, really +15 %,
very +25 %, extremely +50 %), for Chinese the six levels of HowNet's degree words on the same scale. Words stand in
lower case with a straight apostrophe, Chinese in simplified characters.
"""

from enum import IntEnum
from typing import NamedTuple


class Part(IntEnum):
    """Say what a word does to the emotion words around it."""

    NEGATOR = 1
    SOFT_NEGATOR = 2
    NEAR_NEGATOR = 3
    DEGREE = 4
    AFTER_NEGATOR = 5
    AFTER_DEGREE = 6
    BREAK = 7
    NOTHING = 8


class Modifier(NamedTuple):
    """Hold a word's part and, for a degree, the factor by which it multiplies."""

    part: Part
    factor: float = 1.0


_NEGATORS = [
    *(
        "not never cannot cant can't dont don't doesnt doesn't didnt didn't isnt isn't arent aren't wasnt "
        "wasn't werent weren't wont won't wouldnt wouldn't couldnt couldn't shouldnt shouldn't havent "
        "haven't hasnt hasn't hadnt hadn't aint ain't mustn't needn't nobody nothing none neither nor "
        "without hardly barely scarcely rarely seldom lack lacks lacking stop stopped"
    ).split(),
    *("no one", "no longer", "far from", "anything but", "not at all", "by no means"),
]
_CHINESE_NEGATORS = (
    "不 没 没有 别 无 非 未 勿 莫 并不 并非 并没 并没有 绝不 绝非 决不 毫不 毫无 从不 从没 从来不 从来没 "
    "从来没有 从未 "
    "不是 不会 不能 不要 不想 不用 不必 不再 不觉得 不感到 不算 不够 不至于 没法 没觉得 无法 难以 不可 不可能 "
    "不该 不应该 不让 "
    "未必 未曾 不见得 谈不上 算不上 称不上 说不上 缺乏 缺少 休想 甭 不敢 不愿 不愿意 不肯 不值得 不配 没什么 "
    "没啥 没有什么 没有任何 没人 "
    "没一点 没有一点 一点不 一点都不 一点也不 一点儿都不 一点儿也不 一点没 一点都没 一点也没 又不是 也不是 "
    "都不是 就不 也不 "
    "都不 也没 都没 还没 还没有 尚未 不曾 不太会 别再 停止 不带 不能说"
).split()
# "Not very" says less than "not".
_SOFT_NEGATORS = [
    "not that",
    "not very",
    "not so",
    "not too",
    "not really",
    "not quite",
    "not all that",
    "not exactly",
]
_CHINESE_SOFT = (
    "不太 不很 不那么 没那么 没有那么 不怎么 没怎么 不大 不甚 不是很 不是太 不是那么 不是特别 不是非常 并不太 "
    "并不很 并不是很 没多 没有多 "
    "没太 不算太 不算很 不特别 不十分 没有很 没有太 没很 不是多 不会太 不会很 别太"
).split()
_NEAR_NEGATORS = ["no"]

_DEGREES: dict[float, str] = {
    1.5: (
        "extremely incredibly absolutely completely totally utterly insanely exceptionally extraordinarily immensely "
        "hugely unbelievably ridiculously terribly awfully deeply beyond fucking fuckin freaking friggin bloody most "
        "极其 极为 极度 极端 极 无比 万分 十分 超级 超 巨 爆 绝对 完全 彻底 太 太过 过于 最 最为 贼 简直 真是太 "
        "实在太 何等 多么 尤其"
    ),
    1.25: (
        "very so soo sooo too such super really especially particularly highly truly seriously quite damn hella "
        "totes 很 好 非常 特别 相当 真 真的 真是 实在 可 挺 颇 颇为 格外 分外 异常 这么 那么 如此 多 更 更加 越来越 "
        "越发 愈发 确实 的确 着实 蛮 满 老 好生 狠狠 深深 深感 真心 超极 倍感 倍儿 甚是 甚为 十足"
    ),
    1.1: "pretty rather fairly 比较 较 较为 还算 还是 还挺",
    0.7: "somewhat kinda sorta partly mildly moderately less 略 略微 略显 稍 稍稍 稍微 稍显 "
    "有点 有点儿 有些 有一点 有一些 一些 一点 有几分",
    0.5: "slightly marginally 微微 些许 丝丝 半点 一丝 一丝丝 一点点 有一点点 有丝",
}
_LONG_DEGREES = {
    "kind of": 0.7,
    "sort of": 0.7,
    "a bit": 0.6,
    "a little": 0.6,
    "a tad": 0.5,
    "a lot": 1.25,
}
_LONG_DEGREES |= {
    "so much": 1.3,
    "so very": 1.4,
    "very very": 1.4,
    "a little bit": 0.5,
    "kind of a": 0.7,
}

_AFTER_NEGATORS = "不起来 不出来 不下去 不到哪 不到哪去 不上来 不了".split()
_AFTER_DEGREES = {
    1.5: "极了 死了 死我了 死人了 坏了 透了 爆了 爆棚 疯了 得不得了 的不得了 到不行 得不行 的不行 到爆 "
    "翻了 至极 到极点 得要死 得要命 的要命 炸了",
    1.25: "得很 的很 多了 不已 不止 af",
}
_BREAKS = (
    "but because although though however except whereas while yet since "
    "但 但是 可是 不过 却 然而 因为 所以 而是 只是 就是 反而 虽然 尽管"
).split()
# Wholes of which a part looks like a negator, and turns of speech that deny nothing.
_WHOLES = [
    *(
        "not only",
        "not just",
        "not to mention",
        "no doubt",
        "no wonder",
        "no matter",
        "why not",
        "not gonna lie",
    ),
    *(
        "don't you",
        "isn't it",
        "isn't this",
        "aren't you",
        "aren't they",
        "wasn't it",
        "didn't you",
    ),
    *(
        "doesn't it",
        "nothing but",
        "nothing more",
        "not even close",
        "if not",
        "no joke",
        "no less",
        "no more than",
    ),
    *(
        "couldn't be more",
        "can't be more",
        "can't stop",
        "couldn't stop",
        "won't stop",
        "can't help",
        "never stop",
    ),
    *(
        "不仅 不但 不光 不止 不论 不管 不断 不得不 不禁 不由 不由得 不料 不妨 不免 不愧 不亏 不时 不停 不久 不只 "
        "不单 不只是"
    ).split(),
    *(
        "无论 无非 无不 无时无刻 莫非 莫名 莫大 莫过 除非 非要 非得 并非不 未来 未免 别人 别说 别提 别提多 别的 "
        "差不多 好不好 是不是 有没有 要不要"
    ).split(),
    *(
        "好不容易 没想到 想不到 不得了 了不得 了不起 不一会 不知不觉 忍不住 止不住 禁不住 要不是 要不 对不对 "
        "能不能 会不会 不一样 谁不 哪能不 怎能不"
    ).split(),
    *(
        "怎么不 怎么能不 为什么不 何不 岂不 可不 没完没了 不然 迫不及待 区别 分别 告别 离别 送别 个别 级别 性别 "
        "类别 特别是 非法 非洲 是非 无线 无数"
    ).split(),
    *(
        "不可思议 不约而同 不同 不得 不好意思 不在 不到 不小心 不如 不少 不过如此 没事 没关系 要是不 如果不 若不 "
        "不在乎 不住 不知道"
    ).split(),
]
# Between a Chinese negator and the word that it denies stand only such: 不是[那么]开心, 没有[让人]失望.
FILLERS = (
    "那么 这么 那样 这样 怎么 什么 特别 非常 十分 一点 半点 一丝 任何 真的 真正 觉得 感到 感觉 算是 让人 让我 "
    "令人 叫人 使人 给人 "
    "多么 如此 过于 过分 有 是 很 太 挺 多 大 再 够 会 能 让 令 觉 得 想 要 的 地 真 算 过 怎 更 最 该 用 必 "
    "必要 可以 可能 应该 "
    "人 我 你 他 她 们 什 么 感 一 个 种 些 都 也 就 还 好 敢 为 此 所谓 需要 变得 显得 看起来 听起来 那 这 "
    "全 完全 总是 一直 只是 仅 仅仅"
).split()
# Interjections and oaths keep their force behind a negator: `no fucking clue`.
UNDENIABLE = frozenset(
    "lol lmao haha hahaha wow omg yay ugh ew yikes god damn damnit dammit hell fuck fucking fuckin fucked "
    "freaking shit bullshit "
    "wtf bitch asshole bastard cunt moron 他妈的 妈的 尼玛 卧槽 我靠 哈哈 哈哈哈 嘻嘻 嘿嘿 呵呵 唉 哎 呜呜 "
    "啊啊啊".split()
) | frozenset({"oh my god", "the fuck", "the hell", "thank god"})
# An emotion word joined to the one before by these shares its negator.
JOINERS = frozenset(
    {" or ", " nor ", " and ", " & ", "/", "或", "或者", "和", "与", "及", "、", "又", "且"}
)


def modifiers() -> dict[str, Modifier]:
    """Return every function word with its part.

    >>> modifiers()["不太"]
    Modifier(part=<Part.SOFT_NEGATOR: 2>, factor=1.0)
    >>> modifiers()["very"].factor
    1.25
    """
    table = {word: Modifier(Part.NOTHING) for word in _WHOLES}
    table |= {word: Modifier(Part.BREAK) for word in _BREAKS}
    for factor, words in _DEGREES.items():
        table |= {word: Modifier(Part.DEGREE, factor) for word in words.split()}
    table |= {word: Modifier(Part.DEGREE, factor) for word, factor in _LONG_DEGREES.items()}
    for factor, words in _AFTER_DEGREES.items():
        table |= {word: Modifier(Part.AFTER_DEGREE, factor) for word in words.split()}
    table |= {word: Modifier(Part.AFTER_NEGATOR) for word in _AFTER_NEGATORS}
    table |= {word: Modifier(Part.NEAR_NEGATOR) for word in _NEAR_NEGATORS}
    table |= {word: Modifier(Part.NEGATOR) for word in (*_NEGATORS, *_CHINESE_NEGATORS)}
    return table | {word: Modifier(Part.SOFT_NEGATOR) for word in (*_SOFT_NEGATORS, *_CHINESE_SOFT)}
