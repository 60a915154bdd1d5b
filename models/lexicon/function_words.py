"""Name the words that carry grammar rather than feeling, in English and Chinese.

In: nothing. Out: a set of words in lower case. Pure data; imports nothing.

Closed classes: articles, pronouns, prepositions, conjunctions, auxiliaries, particles. A network smears its shares of a
text's emotion over them; a span should not stand there.
"""

FUNCTION_WORDS = frozenset(
    (
        "a an the this that these those i me my mine myself you your yours yourself u ur he him his himself she "
        "her hers it "
        "its itself we us our ours they them their theirs i'm im you're he's she's it's that's there's we're "
        "they're i've "
        "you've we've i'll you'll we'll i'd you'd who whom whose which what when where how why am is are was were "
        "be been "
        "being do does did doing done have has had having will would can could should may might must shall to of "
        "in on at "
        "by for from with about into over after before up down out off as than then so and or but if because "
        "while just "
        "only also too very there here all any some both each one two rt via get got getting go going gonna let's "
        "lets "
        "even still though yet again ever now today until through between during more most other such own same s "
        "t m re ve "
        "的 了 是 在 我 你 他 她 它 们 我们 你们 他们 她们 它们 咱们 咱 您 这 那 这个 那个 这些 那些 这样 那样 "
        "这种 那种 这么 那么 这里 那里 "
        "就 都 也 还 和 与 跟 把 被 给 让 有 会 要 能 可以 上 下 里 中 到 去 来 说 看 一 一个 两 两个 个 着 过 得 "
        "地 之 而 但 但是 所以 因为 如果 "
        "又 再 才 只 吗 呢 吧 啊 呀 嘛 哦 么 自己 什么 怎么 人 对 从 为 以 等 并 或 及 更 最 很 太 将 已 已经 "
        "还是 就是 不是 时候 现在 今天 "
        "于 其 此 该 每 各 某 几 多 大 小 些 一些 一下 一直 一样 没有 没 不 不会 不能"
    ).split()
)
