"""Words that tell English from the other languages in Latin letters.

In: nothing. Out: two sets of lower-case words, without overlap. Pure; imports nothing.

`ENGLISH_ALONE` holds frequent words of English posts that no other language commonly written in Latin letters has, the
romanised and unaccented ones included. `ENGLISH_TOO` holds frequent English words that one of them has too ("was" in
German, "is" in Dutch, "the" in unaccented Vietnamese) or has taken over ("happy", "lol").
"""

ENGLISH_ALONE = frozenset(
    (
        "about absolutely actually afraid afternoon again against ain't aint airline airport almost alone "
        "already although always amazing and angry annoyed annoying another answer anxious anyone "
        "anything around ashamed asked asking away awesome awful basically battery beautiful because been "
        "before being believe better between blessed book books bored boring both bought breakfast bring "
        "broke broken brother buy called can't canceled cancelled cant cheap chicken city closed cold "
        "coming completely congrats congratulations could couldn't country crashed crashing customer days "
        "death definitely delayed depressed did didn't didnt died disappointed disappointing disgusted "
        "disgusting does doesn't doesnt doing don't done drinking driving dumb dying each early "
        "earthquake eating election embarrassed enough evening ever every everybody everyone everything "
        "exactly excited exciting expensive family fantastic father feeling feelings feels felt finally "
        "first flight flooded flooding food forget found friday fridays friend friends from funny furious "
        "given gives goes going gone gonna gorgeous gotta government grateful great guy guys had happiest "
        "having he's hear heard heart heartbroken helping helps hilarious himself his honestly hope "
        "hopeless hoping hour hours house how hungry hurt hurts husband i'd i'll i'm i've idk instead "
        "into isn't isnt it's its ive jealous keep keeps kept killed knew know knows later league learn "
        "leaving let's lets life listening literally little living lmfao lonely look looked looking looks "
        "lose losing lovely lucky made makes making many maybe might minutes monday mondays month morning "
        "mother much myself need needed needs nervous never nicest night nobody nope nothing obviously "
        "omfg only other our ours out paid paying people perhaps pissed played players playing prayers "
        "praying pretty price probably proud rain raining reading really reason refund remember right "
        "road running sad saturday saw says scared scary seen seriously she she's shocked should sick "
        "since sister sleeping smh snow sold some somebody someone something speak started starting stay "
        "stopped street stressed stuff stupid summer sunday surprised surprising takes taking talk "
        "talking tbh tell thank thankful that's thats their themselves there there's these they they're "
        "thing things think thinking this those though thought through thursday tired today together told "
        "tomorrow tonight too took totally traffic tried true truth trying tuesday ugh ugly unbelievable "
        "understand until upset us very wait waiting walking wanna wanted wants wasn't wasnt watched "
        "watching way we're weather wednesday weird welcome went were what what's whats where which while "
        "who whole why wife winning wins wish with without woman women won't wonderful wont work worked "
        "working works world worried worry worse would wouldn't write wrong y'all yall year years "
        "yesterday yet you you'll you're young your youre yours yourself"
    ).split()
)
ENGLISH_TOO = frozenset(
    (
        "a all am an app are as at baby back bad be best big birthday boy boys bro bus but by can coffee "
        "cool crazy cute damn day dinner do dont dude easy fan fans feel find fire for free friend's fuck "
        "fucking fun game games gave get girl girls go goal goals god good got haha hahaha happy hard has "
        "hate have he hello her here hey him home hot i if im in is it job just kids last late let like "
        "live lmao lol long lost love lunch make man mate me miss money more movie movies must my nah new "
        "news nice no not now of off ok okay old omg on one oops open or ouch over party phone please "
        "power said school see service shit show so song songs sorry start still stop super support sweet "
        "team than thanks that the them then time to top train u up ur use video want was we weekend when "
        "will worst wow wtf yay yeah yep yes"
    ).split()
)
