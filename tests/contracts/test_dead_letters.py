"""A dead letter keeps the original to the byte and tells why it died."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.dead_letters import (
    PREFIX,
    REASON_LIMIT,
    DeadLetter,
    attempt_of,
    headers_to_put_back,
    original_headers,
    reason_of,
)
from contracts.errors import PoisonRecord, RecordInvalid, RecordMisfit

LETTER = DeadLetter(
    stage="score", code="record_misfit", reason="Expected `str`", topic="hubbub.events.text",
    partition=3, offset=42, place="$.id", attempt=2, at_ms=1_767_323_045_000,
)  # fmt: skip
ORIGINAL: list[tuple[str, bytes | None]] = [("ce_id", b"1"), ("x", b"\xff\x00"), ("ce_id", b"2")]


def test_a_letter_is_named_by_its_stage_and_the_place_of_the_original() -> None:
    assert LETTER.id == "score:hubbub.events.text:3:42"


def test_each_field_has_a_header_of_its_own() -> None:
    assert dict(LETTER.to_headers()) == {
        "hubbub-dead-stage": b"score",
        "hubbub-dead-code": b"record_misfit",
        "hubbub-dead-reason": b"Expected `str`",
        "hubbub-dead-topic": b"hubbub.events.text",
        "hubbub-dead-partition": b"3",
        "hubbub-dead-offset": b"42",
        "hubbub-dead-place": b"$.id",
        "hubbub-dead-attempt": b"2",
        "hubbub-dead-at-ms": b"1767323045000",
    }


@given(
    st.builds(
        DeadLetter, stage=st.text(), code=st.text(), reason=st.text(), topic=st.text(),
        partition=st.integers(0, 2**31), offset=st.integers(0, 2**63 - 1), place=st.text(),
        attempt=st.integers(1, 9), at_ms=st.integers(0, 2**53), last_offset=st.none() | st.integers(0, 2**63 - 1),
    )
)  # fmt: skip
def test_a_letter_is_read_back_as_it_was_written(letter: DeadLetter) -> None:
    headers: list[tuple[str, bytes | None]] = [*ORIGINAL, *letter.to_headers()]
    assert DeadLetter.from_headers(headers) == letter
    assert original_headers(headers) == ORIGINAL


def test_a_reason_that_utf8_cannot_hold_is_written_as_an_escape() -> None:
    letter = DeadLetter("score", "c", "no file \udcff", "t", 0, 0)
    assert dict(letter.to_headers())["hubbub-dead-reason"] == b"no file \\udcff"


@pytest.mark.parametrize("missing", ["stage", "code", "reason", "topic", "partition", "offset"])
def test_what_lacks_a_field_is_no_letter(missing: str) -> None:
    headers = [(n, v) for n, v in LETTER.to_headers() if n != PREFIX + missing]
    with pytest.raises(RecordInvalid, match=f"not a dead letter: .*`{missing}`"):
        DeadLetter.from_headers(headers)


def test_an_offset_that_is_no_number_makes_no_letter() -> None:
    headers = [*LETTER.to_headers(), ("hubbub-dead-offset", b"last")]
    with pytest.raises(RecordInvalid, match="not a dead letter") as caught:
        DeadLetter.from_headers(headers)
    assert caught.value.place == "headers"


def test_a_header_without_a_value_is_kept_with_an_empty_one() -> None:
    assert original_headers([("x", None), ("y", b"")]) == [("x", b""), ("y", b"")]


@pytest.mark.parametrize(
    ("value", "attempt"),
    [(b"2", 2), (b"0", 1), (b"-1", 1), (b"many", 1), (b"", 1), (None, 1), (b"\xff", 1), (b"9" * 5000, 1)],
)  # fmt: skip
def test_the_attempt_is_read_from_its_header(value: bytes | None, attempt: int) -> None:
    assert attempt_of([("hubbub-attempt", b"7"), ("hubbub-attempt", value)]) == attempt


def test_a_record_without_the_header_is_at_its_first_attempt() -> None:
    assert attempt_of(ORIGINAL) == 1


def test_a_letter_goes_back_as_the_original_with_the_next_attempt() -> None:
    headers = [*ORIGINAL, ("hubbub-attempt", b"2"), *LETTER.to_headers()]
    back = headers_to_put_back(headers)
    assert back == [*ORIGINAL, ("hubbub-attempt", b"3")]
    assert attempt_of(back) == 3


def test_the_reason_of_an_error_is_its_code_words_and_place() -> None:
    assert reason_of(RecordMisfit("x" * 9000, place="$.id")) == (
        "record_misfit", "x" * REASON_LIMIT, "$.id",
    )  # fmt: skip
    assert reason_of(PoisonRecord("three crashes")) == ("poison_record", "three crashes", "$")
