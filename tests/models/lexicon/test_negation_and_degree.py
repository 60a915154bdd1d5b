"""What negates and what strengthens an emotion word, in English and Chinese.

Each case is a text in which <...> holds an emotion word with all that belongs to it, and stands under its factor. Texts
without <...> hold no emotion word at all.
"""

import pytest

from models.lexicon.entries import Entry
from models.lexicon.matching import Lexicon

GOOD_EN = "good great happy like love enjoy fun excited joy glad proud friendly helpful funny"
BAD_EN = (
    "bad sad angry afraid scared terrible awful hate worried upset disappointed boring horrible"
)
GOOD_ZH = "好 开心 高兴 喜欢 满意 快乐 幸福 感动 漂亮 希望 放心 舒服 好看 好吃"
BAD_ZH = "糟 糟糕 难过 害怕 生气 失望 担心 伤心 讨厌 差 难吃 烦 累 坏"

ENGLISH = {
    -0.6: """
        this is <not good>|it is <not a good> idea|that's <not great>|I am <not happy>|I'm <not at all happy>
        we are <not happy> about it|this <isn't good>|this <isn't a good> phone|she <isn't happy>|they <aren't happy>
        it <wasn't good>|it <wasn't much fun>|we <weren't happy>|I <don't like> it|I <dont like> it
        I <don’t like> it|he <doesn't like> me|she <didn't like> that|you <won't like> this|I <wouldn't love> that
        I <can't enjoy> it|I <cannot enjoy> it|I <couldn't enjoy> it|he <never enjoys like> that
        I was <never happy> there
        <no fun>|there is <no joy> here|<no good> at this|<no real joy> in it|it was <hardly good>
        it was <barely good>|<scarcely happy>|he is <rarely happy>|she is <seldom happy>|<without joy>
        <without any joy>|<nothing good> here|<nobody is happy>|<no one is happy>|<neither good> for me
        <far from happy>|<anything but happy>|I am <no longer happy>|<lack of joy>|it <ain't good>
        you <shouldn't hate> them|<not bad>|<not bad> at all|<not a bad> idea|it <isn't bad>
        I am <not sad>|<not afraid> of you|<never afraid>|<don't be afraid>|<stop worried> calls
        I'm <not scared> anymore|I am <not angry> with you|<not necessarily bad>|<not the least bit sad>
        he <hasn't been happy>
        I <haven't been happy>|they <hadn't been good>|I <don't feel good>|<didn't even like> it
        it <doesn't look good>|it <isn't that good>
        it <doesn't sound great>|I <don't think good> of him|I am <not your happy> place
    """,
    -0.4: """
        <not very good>|it's <not that great>|<not so good>|<not too happy> with it|I'm <not really happy>
        <not quite happy>|<not exactly happy>|<isn't very happy>|it <isn't so good>|it <wasn't very good>
        they <aren't too happy>|I <don't really like> it|<not all that great>|she <isn't really happy>
        <not too bad>|<not that bad>|<not so bad>|it <wasn't so bad>|<not really afraid>
        <isn't particularly good>|<don't be so sad>
        I'm <not super excited>|I <don't particularly like> it
    """,
    0.6: """
        <a bit sad>|I'm <a little sad>|I <can't say I'm not happy>|it is <not without joy>|<never not happy>
        <nobody doesn't like> her
    """,
    1.0: """
        this is <good>|I am <happy>|I <love> you|<sad> day|<bad>, not mine|so what, it is <good>
        not now. <happy> later
        not now, I am <happy>|no, I am <happy>|no I am <happy>|not what I wanted but <good>|not mine however <good>
        I did not go! <great> day|<not only good>|why not? <good>|no doubt <good>|no wonder <happy> people smile
        not to mention <good>|isn't it <great>|don't you <love> it|no matter what, <happy>|no joke <good>
        it's not him; <sad>|without you… <sad>|I don't know, but I <like> it|never mind (<happy>)
        the <good> and the not
        very well, <happy>|so I went and it was <fun>|too late but <fun>|really? <great>|goodness, unhappyish <fun>
    """.replace("<not only good>", "not only <good>"),
    1.1: "it's <pretty good>|<rather sad>|<fairly good>",
    1.25: """
        <very good>|<so happy>|<soo happy>|<sooo happy>|<too sad>|<such fun>|<really good>|I <really like> it
        <super happy>|<especially good>|<truly sad>|<seriously bad>|<quite good>|<damn good>|<highly helpful>
        I am <so angry>|SO <SO HAPPY>|<Very Good>|this is <really bad>|<particularly bad>
    """.replace("SO <SO HAPPY>", "<SO HAPPY>"),
    1.3: "<so much happy>|<so much fun>",
    1.5: """
        <extremely good>|<incredibly happy>|<absolutely terrible>|<completely happy>|<totally awful>|<utterly sad>
        <insanely good>|<deeply sad>|<fucking good>|<most helpful>|<awfully good>|<terribly sad>|<beyond happy>
    """,
    0.7: "<kinda sad>|<kind of sad>|<sort of sad>|<somewhat happy>|<less happy>|<mildly angry>|<partly happy>",
    0.5: "<slightly sad>|<a tad sad>|<a little bit sad>|<marginally good>",
}

CHINESE = {
    -0.6: """
        <不好>|<不开心>|我<不高兴>|他<不喜欢>我|<不满意>|<不快乐>|<不幸福>|<不漂亮>|<不放心>|<不舒服>|<不好看>
        <不好吃>
        <没希望>|<没有希望>|<没有快乐>|<没什么希望>|<没有什么希望>|<没有任何希望>|<毫无希望>|<毫不满意>|<并不好>
        <并不开心>|<并非好>事|<并没有开心>|<绝不满意>|<从不开心>|<从来不开心>|<从来没有开心>过|<从未高兴>过|<不是好>事
        <不会喜欢>|<不能喜欢>|<不想喜欢>|<不再喜欢>|<不觉得好>|<不感到幸福>|<不算好>|<不够好>|<不够漂亮>|<没觉得好看>
        <无法满意>|<难以满意>|<未必好>|<未必幸福>|<不见得好>|<谈不上喜欢>|<算不上好>|<称不上漂亮>|<说不上好>
        <缺乏希望>
        <一点都不开心>|<一点也不好>|<一点不好吃>|<一点都没开心>|<不可能高兴>|<不值得高兴>|<别高兴>|<都不开心>
        <也不喜欢>
        <不坏>|<不难过>|<不害怕>|<不生气>|<不失望>|<不差>|<不难吃>|<不烦>|<不累>|<没生气>|<没有失望>|<别难过>|<别害怕>
        <别生气>了|<不要难过>|<不用担心>|<不必担心>|<不会失望>|<没让我失望>|<没有让人失望>|<不让人讨厌>
        <不觉得累>|<没觉得累>
        <高兴不起来>|<开心不起来>|<快乐不起来>|<喜欢不起来>|<没人喜欢>|<不应该高兴>|<还没满意>|<无希望>
    """,
    -0.4: """
        <不太好>|<不太开心>|<不太满意>|<不很好>|<不那么好>|<没那么好>|<没那么糟>|<没那么糟糕>|<没有那么好>
        <没有那么糟糕>
        <不怎么好>|<不怎么喜欢>|<没怎么生气>|<不是很好>|<不是很开心>|<不是很满意>|<不是太好>|<不是那么好>|<不是特别好>
        <不是非常满意>|<并不是很开心>|<并不太好>|<不算太好>|<不算很好>|<没多好>|<没有多好>|<没有很开心>
        <不大喜欢>|<不甚满意>
        <不特别好>|<不十分满意>|<别太难过>了|<不会太差>|<没有特别喜欢>|<也不太好>
    """,
    0.6: "<不是不喜欢>|<没有不开心>|<不会不高兴>|<并不是不好>|<不能说不好>|<不是不满意>|<也不是不好看>|<不是没有希望>",
    1.0: """
        <开心>|<难过>|我<喜欢>你|<好>|<糟糕>|不是他，<开心>|没有了。<难过>|不知道，<难过>|开不开心呀，<难过>
        不仅<好看>
        不但<好吃>|不光<好看>|无论如何都<高兴>|别人<高兴>|特别，<高兴>|差不多<好>了|未来<幸福>|没想到<好吃>
        忍不住<难过>
        不过<好吃>|不去但<开心>|不贵，<好吃>|不在了<难过>|没去上班因为<难过>|了不起，<感动>|不断<感动>|不得不<感动>
        分别<难过>|告别<难过>|不管<喜欢>谁|没关系，<开心>|谁不<喜欢>|怎能不<感动>|除非<喜欢>
    """,
    1.1: "<比较好>|<比较满意>|<较好>|<还算满意>|<还挺好>",
    1.25: """
        <很好>|<非常好>|<特别开心>|<相当满意>|<真好>|<真的好>|<好开心>|<好难过>|<好好吃>|<实在好>|<挺好>|<颇好>
        <格外开心>
        <这么好>|<那么好>|<如此漂亮>|<更好>|<更加幸福>|<越来越好>|<确实好>|<蛮好>|<深感失望>|<好得很>|<十分难过>
    """.replace("|<十分难过>", ""),
    1.5: """
        <极其难过>|<极度失望>|<极好>|<十分难过>|<超级好>|<超好>|<太好>了|<实在太好>了|<真是太糟糕>了|<太难过>了
        <过于担心>|<最好>|<最喜欢>|<无比开心>
        <绝对好>|<完全失望>|<彻底失望>|<开心极了>|<难过死了>|<高兴得不得了>|<开心的不得了>|<开心到不行>|<烦透了>
        <开心爆了>
        <累死了>|<烦死我了>|<简直糟糕>|<失望至极>|<多么幸福>
    """,
    0.7: "<有点难过>|<有点儿烦>|<有些失望>|<有一点累>|<稍微好>|<略差>|<略微失望>|<稍稍放心>|<一些失望>",
    0.5: "<微微难过>|<些许失望>|<一丝难过>|<半点难过>",
    1.56: "<非常非常难过>|<很很好>",
    1.95: "<真的非常非常好>",
    2.0: "<太太太好>了|<超级超级喜欢>|<简直太好>了",
}
NOTHING = """
    好不好|开不开心|喜不喜欢|高不高兴|能不能|是不是
    the weather|goodness knows|unhappyish|sadden|crusades|notably|是的|天气
"""


def lexicon() -> Lexicon:
    """Return a small one: joy for good words, sadness for bad ones."""
    words = ((GOOD_EN, "en", 1), (BAD_EN, "en", -1), (GOOD_ZH, "zh", 1), (BAD_ZH, "zh", -1))
    return Lexicon(
        Entry(word, lang, label, weight)
        for text, lang, sign in words
        for word in text.split()
        for label, weight in (
            ("joy" if sign > 0 else "sadness", 2.0),
            ("valence", 0.5 * sign),
        )
    )


def cases(table: dict[float, str]) -> list[tuple[float, str]]:
    return [
        (factor, case)
        for factor, texts in table.items()
        for line in texts.split("\n")
        for case in line.strip().split("|")
        if case
    ]


ALL = [*cases(ENGLISH), *cases(CHINESE)]


def test_there_are_more_than_a_hundred_cases_a_language() -> None:
    for table in (ENGLISH, CHINESE):
        modified = {case for factor, case in cases(table) if factor != 1.0}
        assert len(modified) > 100


@pytest.fixture(scope="module")
def small() -> Lexicon:
    return lexicon()


@pytest.mark.parametrize(("factor", "case"), ALL)
def test_a_word_is_denied_or_strengthened_by_what_stands_around_it(
    small: Lexicon, factor: float, case: str
) -> None:
    # Given a text in which <...> marks a word with all that belongs to it
    text = case.replace("<", "").replace(">", "")
    first = case.index("<")
    last = case.index(">") - 1

    # When the lexicon reads it
    found = [match for match in small.find(text) if match.first == first]

    # Then the match is that part of the text, with that factor, and its valence has the sign that follows
    assert [(match.last, round(match.factor, 2)) for match in found] == [(last, factor)]
    (match,) = found
    word = text[match.start : match.end].lower()
    good = word in f"{GOOD_EN} {GOOD_ZH}".split()
    assert (match.valence > 0) == (good == (factor > 0))


@pytest.mark.parametrize(
    "text", [t for line in NOTHING.split("\n") for t in line.strip().split("|") if t]
)
def test_a_question_or_a_part_of_a_word_says_nothing(small: Lexicon, text: str) -> None:
    assert small.find(text) == []


def test_a_denied_joy_speaks_for_sadness_and_a_denied_fear_for_hope() -> None:
    lexicon = Lexicon([Entry("happy", "en", "joy", 2.0), Entry("afraid", "en", "fear", 2.0)])
    (unhappy,) = lexicon.find("not happy")
    (brave,) = lexicon.find("not afraid")
    assert unhappy.weights["sadness"] > 0.5 > 0 > unhappy.weights["joy"]
    assert brave.weights["optimism"] > brave.weights["fear"]


def test_joined_words_share_their_negator(small: Lexicon) -> None:
    assert [m.is_negated for m in small.find("not happy or excited")] == [True, True]
    assert [m.is_negated for m in small.find("not happy, excited")] == [True, False]
    assert [m.is_negated for m in small.find("不开心很难过")] == [True, False]


@pytest.mark.parametrize("text", ["no fucking clue", "not haha", "不哈哈哈", "别[泪]", "no 😂"])
def test_oaths_and_signs_keep_their_force(text: str) -> None:
    words = [("fucking", "en"), ("haha", "en"), ("哈哈哈", "zh"), ("[泪]", "zh"), ("😂", "en")]
    lexicon = Lexicon(Entry(word, lang, "joy", 1.0) for word, lang in words)
    assert [match.is_negated for match in lexicon.find(text)] == [False]
