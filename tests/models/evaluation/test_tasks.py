"""Tasks: the bundled scorer judged, every figure found again from its own answers."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from contracts.errors import InvalidInput
from models.evaluation.report import Evaluation
from models.evaluation.rows import LabelledText, Rows
from models.evaluation.tasks import Question, ask, evaluate, head_of, mistakes, positions_for
from models.protocols import TextInput, TextScorer
from models.registry import build_text_scorer

# Some are labelled wrongly on purpose: there must be mistakes.
TEXTS = [
    ("I am so happy today, what a wonderful gift!", "happy", None),
    ("So glad and thankful for my friends", "happy", None),
    ("This makes me furious, how dare they", "angry", "en-GB"),
    ("I hate this company, they lied to us again", "angry", None),
    ("I cried all night, I miss her so much", "sad", None),
    ("Feeling lonely and heartbroken", "sad", "en"),
    ("今天好开心啊，哈哈哈", "happy", None),
    ("太高兴了，谢谢大家！", "happy", "zh_CN"),
    ("气死我了，垃圾公司", "angry", None),
    ("真的很难过，想哭", "sad", None),
    ("一个人好难受，伤心", "angry", None),
    ("What a lovely sunny day, I love it", "sad", None),
    ("The table is made of wood", "boring", None),
]
NO_REASONS: Counter[str] = Counter()


@pytest.fixture(scope="module")
def scorer() -> Iterator[TextScorer]:
    built = build_text_scorer("bundled")
    built.start()
    yield built
    built.close()


def rows_of(texts: Sequence[tuple[str, str, str | None]]) -> Rows:
    rows = [
        LabelledText(TextInput(text=text, lang_hint=lang), label, lang)
        for text, label, lang in texts
    ]
    return Rows(rows, Counter({"no label": 2}))


def asked(scorer: TextScorer, rows: Rows, task: str = "emotion") -> Question:
    return ask(scorer, task, rows=rows, renamed={})


def judged(scorer: TextScorer, rows: Rows) -> Evaluation:
    return evaluate(scorer, asked(scorer, rows), rows=rows)[0]


def restricted(scorer: TextScorer, text: str, lang: str | None) -> dict[str, float]:
    (score,) = scorer.score_batch([TextInput(text=text, lang_hint=lang)])
    chances = score.heads["emotion"].probabilities or {}
    chosen = {"angry": chances["anger"], "happy": chances["joy"], "sad": chances["sadness"]}
    return {name: value / sum(chosen.values()) for name, value in chosen.items()}


def test_a_guess_is_the_likeliest_of_the_files_labels(scorer: TextScorer) -> None:
    # Given what the scorer says of each text alone
    known = [(text, label, lang) for text, label, lang in TEXTS if label != "boring"]
    shares = [restricted(scorer, text, lang) for text, _, lang in known]
    guesses = [max(share, key=lambda name: share[name]) for share in shares]
    truths = [label for _, label, _ in known]
    # When the file is judged
    evaluation = judged(scorer, rows_of(TEXTS))
    # Then accuracy and confusion are those of the guesses
    hits = sum(guess == truth for guess, truth in zip(guesses, truths, strict=True))
    assert evaluation.n == 12
    assert evaluation.accuracy == pytest.approx(hits / 12, abs=1e-4)
    ours = {"angry": "anger", "happy": "joy", "sad": "sadness"}
    pairs = Counter(
        (ours[truth], ours[guess]) for truth, guess in zip(truths, guesses, strict=True)
    )
    assert pairs == {
        (truth, guess): count
        for truth, row in evaluation.confusion.items()
        for guess, count in row.items()
    }


def test_what_is_not_judged_is_counted(scorer: TextScorer) -> None:
    evaluation = judged(scorer, rows_of(TEXTS))
    assert evaluation.skipped == 3
    assert evaluation.skipped_by_reason == {"no label": 2, "label without counterpart": 1}
    assert evaluation.unmapped == {"boring": 1}


def test_abstentions_are_counted_and_the_rest_judged_alone(scorer: TextScorer) -> None:
    unsure = [*TEXTS, ("kjh sdf lkj wer", "sad", None), ("", "sad", None), ("?!", "happy", None)]
    evaluation = judged(scorer, rows_of(unsure))
    known = [(text, lang) for text, label, lang in unsure if label != "boring"]
    answers = scorer.score_batch([TextInput(text=text, lang_hint=lang) for text, lang in known])
    answered = [not answer.heads["emotion"].abstained for answer in answers]
    assert evaluation.answered == pytest.approx(sum(answered) / len(known), abs=1e-4)
    assert 0 < evaluation.answered < 1
    assert 0 < evaluation.answered_accuracy <= 1
    assert 0 < evaluation.open_accuracy <= evaluation.accuracy


def test_languages_are_the_files_or_else_the_scorers(scorer: TextScorer) -> None:
    evaluation = judged(scorer, rows_of(TEXTS))
    counts = {lang: summary.n for lang, summary in evaluation.per_language.items()}
    assert counts == {"en": 7, "zh": 5}
    assert sum(
        summary.n * summary.accuracy for summary in evaluation.per_language.values()
    ) == pytest.approx(12 * evaluation.accuracy, abs=1e-2)


def test_one_language_needs_no_table(scorer: TextScorer) -> None:
    english = [row for row in TEXTS if row[0].isascii()]
    assert judged(scorer, rows_of(english)).per_language == {}


def test_the_surest_mistakes_come_first(scorer: TextScorer) -> None:
    rows = rows_of(TEXTS)
    question = asked(scorer, rows)
    _, judgement = evaluate(scorer, question, rows=rows)
    every = mistakes(judgement, question.sets, limit=100)
    assert "What a lovely sunny day, I love it" in [mistake.text for mistake in every]
    assert all(mistake.true != mistake.guessed for mistake in every)
    assert [m.confidence for m in every] == sorted((m.confidence for m in every), reverse=True)
    assert mistakes(judgement, question.sets, limit=1) == every[:1]
    assert mistakes(judgement, question.sets, limit=0) == ()


def test_texts_out_of_scope_should_be_abstained_from(scorer: TextScorer) -> None:
    beyond = [("", "oos", None), ("12345", "Out-of-scope", None), ("I love you", "oos", None)]
    evaluation = judged(scorer, rows_of([*TEXTS, *beyond]))
    plain = judged(scorer, rows_of(TEXTS))
    # Then they change no figure of the others
    assert (evaluation.n, evaluation.macro_f1) == (plain.n, plain.macro_f1)
    assert evaluation.skipped == plain.skipped
    # And the empty text and the number are abstained from, the love is not
    assert evaluation.out_of_scope is not None
    assert evaluation.out_of_scope.n == 3
    assert evaluation.out_of_scope.recall == pytest.approx(2 / 3, abs=1e-4)
    assert evaluation.out_of_scope.in_scope_accuracy <= evaluation.accuracy
    assert plain.out_of_scope is None


def test_the_model_is_named(scorer: TextScorer) -> None:
    evaluation = judged(scorer, rows_of(TEXTS))
    assert evaluation.model_name == scorer.model_name
    assert evaluation.model_version == scorer.model_version
    assert evaluation.texts_per_second > 0


def test_a_head_is_the_tasks_unless_it_is_named(scorer: TextScorer) -> None:
    assert head_of(scorer, "emotion") == "emotion"
    assert head_of(scorer, "weibo", head="emotion") == "emotion"
    with pytest.raises(InvalidInput, match=r"no head 'colour'; it has emotion, .*--head"):
        head_of(scorer, "colour")
    with pytest.raises(InvalidInput, match=r"no head 'colour'; it has emotion, "):
        head_of(scorer, "emotion", head="colour")


def test_a_task_of_another_name_reads_labels_as_the_head_does(scorer: TextScorer) -> None:
    question = ask(scorer, "weibo", rows=rows_of(TEXTS), renamed={}, head="emotion")
    assert [each.name for each in question.sets.classes] == ["anger", "joy", "sadness"]


def test_a_task_of_ours_reads_labels_for_another_head(scorer: TextScorer) -> None:
    question = asked(scorer, rows_of(TEXTS), "sentiment")
    assert [(each.name, each.theirs) for each in question.sets.classes] == [
        ("negative", ("angry", "sad")),
        ("positive", ("happy",)),
    ]


def test_a_training_file_may_call_the_classes_otherwise(scorer: TextScorer) -> None:
    question = asked(scorer, rows_of(TEXTS))
    other = [("a", label, None) for label in ("sadness", "happy", "fury", "furious", "fear")]
    positions = positions_for(question, rows_of(other), renamed={"angry": ("anger",)})
    assert positions == {"furious": 0, "happy": 1, "sadness": 2}


def test_fewer_than_two_classes_are_refused_with_both_lists_of_labels(scorer: TextScorer) -> None:
    with pytest.raises(InvalidInput, match=r"one class alone, joy, .*happy \(4\); .*--map"):
        judged(scorer, rows_of([row for row in TEXTS if row[1] == "happy"]))
    with pytest.raises(
        InvalidInput, match=r"no class of head emotion: its labels are boring \(1\)"
    ):
        judged(scorer, rows_of([row for row in TEXTS if row[1] == "boring"]))
