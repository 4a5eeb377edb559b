"""Answers to surveys: what a text says, which survey it is for, and until when it counts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from outreach.core.inbound_words import Word
from outreach.core.survey import Kind, Marked, Open, forwarded, marked, read, until
from outreach.core.survey_form import Forward, Scale, Survey
from outreach.core.survey_rules import holds
from outreach.core.written import Bilingual

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)  # 15:30 in Shanghai
QUESTION = Bilingual(zh="是否满意？", en="Satisfied?")


def survey(code: str = "A", days: int = 7, **more: object) -> Survey:
    return Survey.model_validate(
        {"code": code, "questions": (QUESTION,), "answer_until_days": days, **more}
    )


def asked(run: int, code: str = "A", opened_at: datetime = MONDAY, days: int = 7) -> Open:
    return Open(run, 1, 10 * run, survey(code, days), opened_at)


@pytest.mark.parametrize(
    ("text", "code", "score", "comment"),
    [
        ("5", "", 5, ""), ("５", "", 5, ""), (" 5 ", "", 5, ""), ("5！", "", 5, ""),
        ("5分", "", 5, ""), ("4星", "", 4, ""), ("五", "", 5, ""), ("五分 好", "", 5, "好"),
        ("A5", "A", 5, ""), ("Ａ５", "A", 5, ""), ("a 5", "A", 5, ""), ("A-5", "A", 5, ""),
        ("5A", "A", 5, ""), ("B5", "B", 5, ""),
        ("3分 客服等太久", "", 3, "客服等太久"), ("1、态度差", "", 1, "态度差"),
        ("2，等太久", "", 2, "等太久"), ("5 ok", "", 5, "ok"), ("4 points", "", 4, ""),
        ("非常满意", "", 5, ""), ("满意", "", 4, ""), ("不满意", "", 2, ""),
        ("非常不满意！", "", 1, ""), ("很满意", "", 5, ""), ("一般吧", "", None, "一般吧"),
        ("不满意，等太久", "", 2, "等太久"), ("Very satisfied", "", 5, ""),
        ("very bad service", "", 1, "service"),
        # What could be two numbers, or none, is for a person.
        ("4-5", "", None, "4-5"), ("4.5", "", None, "4.5"), ("4或5", "", None, "4或5"),
        ("55", "", None, "55"), ("6", "", None, "6"), ("0", "", None, "0"),
        ("3 2", "", None, "3 2"), ("1/5", "", None, "1/5"), ("95000", "", None, "95000"),
        ("2026", "", None, "2026"), ("5%", "", None, "5%"), ("-1", "", None, "-1"),
        ("五道口营业部", "", None, "五道口营业部"), ("满意度一般", "", None, "满意度一般"),
        ("A", "", None, "A"), ("？", "", None, "?"),
    ],
)  # fmt: skip
def test_a_text_is_taken_apart(text: str, code: str, score: int | None, comment: str) -> None:
    assert marked(text, Scale(), {"A", "B"}) == Marked(code, score, comment)


def test_a_scale_of_its_own_has_its_own_bounds_and_no_words() -> None:
    ten = Scale(lowest=0, highest=10)

    assert marked("10", ten).score == 10
    assert marked("0分", ten).score == 0
    assert marked("11", ten).score is None
    assert marked("非常满意", ten).score is None


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_text_is_read_as_a_score_off_the_scale(text: str) -> None:
    assert marked(text, Scale()).score in (None, 1, 2, 3, 4, 5)


def at(days: float = 1) -> datetime:
    return MONDAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("text", "run", "kind"),
    [
        pytest.param("A5", 1, Kind.ANSWER, id="the code names the older one"),
        pytest.param("B5", 2, Kind.ANSWER, id="the code names the newer one"),
        pytest.param("5", 2, Kind.ANSWER, id="a bare number is for the newest"),
        pytest.param("C5", 2, Kind.REVIEW, id="a code of no survey"),
        pytest.param("谢谢", 2, Kind.REVIEW, id="no number"),
    ],
)
def test_with_two_surveys_out(text: str, run: int, kind: Kind) -> None:
    surveys = [asked(1, "A"), asked(2, "B", MONDAY + timedelta(hours=2))]

    found = read(text, surveys, at(), SHANGHAI).answer

    assert found is not None
    assert (found.to.run_id, found.kind) == (run, kind)


def test_a_bare_number_goes_to_the_one_that_is_still_open() -> None:
    surveys = [asked(1, "A", days=30), asked(2, "B", MONDAY + timedelta(hours=2), days=1)]

    found = read("4", surveys, at(10), SHANGHAI).answer

    assert found is not None
    assert (found.to.run_id, found.kind, found.score) == (1, Kind.ANSWER, 4)


def test_the_same_survey_sent_twice_is_answered_for_the_newest_run() -> None:
    surveys = [asked(1), asked(2, opened_at=MONDAY + timedelta(days=2))]

    found = read("A4", surveys, at(3), SHANGHAI).answer

    assert found is not None
    assert found.to.run_id == 2


@pytest.mark.parametrize(
    ("moment", "kind"),
    [
        (datetime(2026, 10, 5, 23, 59, tzinfo=SHANGHAI), Kind.ANSWER),
        (datetime(2026, 10, 6, 0, 0, tzinfo=SHANGHAI), Kind.LATE),
    ],
)
def test_an_answer_counts_to_the_end_of_the_last_day_at_the_firm(
    moment: datetime, kind: Kind
) -> None:
    assert until(MONDAY, 7, SHANGHAI) == date(2026, 10, 5)

    found = read("5", [asked(1)], moment, SHANGHAI).answer

    assert found is not None
    assert found.kind is kind


def test_a_reply_from_before_the_survey_is_no_answer() -> None:
    assert read("5", [asked(1)], MONDAY - timedelta(hours=1), SHANGHAI) == (None, None)


@pytest.mark.parametrize("text", ["T", "ＴＤ", "退订", "STOP", "R"])
def test_an_opt_out_is_never_an_answer(text: str) -> None:
    assert read(text, [asked(1)], at(), SHANGHAI) == (None, Word.OPT_OUT)


def test_an_opt_out_in_the_words_of_an_answer_counts_beside_it() -> None:
    found = read("1 别再发了", [asked(1)], at(), SHANGHAI)

    assert found.answer is not None
    assert (found.answer.score, found.word) == (1, Word.OPT_OUT_REVIEW)


def test_a_complaint_in_the_words_of_an_answer_is_for_a_department_and_no_opt_out() -> None:
    found = read("2，我要投诉", [asked(1)], at(), SHANGHAI)

    assert found.answer is not None
    assert (found.answer.score, found.word) == (2, None)


@pytest.mark.parametrize(
    ("when", "score", "words", "does"),
    [
        ("score <= 2", 2, "", True), ("score <= 2", 3, "", False), ("score < 2", 2, "", False),
        ("score = 5", 5, "", True), ("score>=4", 5, "", True), ("score > 4", 4, "", False),
        ("score <= 2", None, "", False), ("unclear", None, "?", True), ("unclear", 3, "", False),
        ("complaint", 5, "我要投诉", True), ("complaint", 1, "太慢", False),
        ('comment contains "柜台"', 3, "柜台太慢", True),
        ('comment contains "APP"', 3, "app太慢", True),
        ('score <= 3 and comment contains "柜台"', 3, "柜台太慢", True),
        ('score <= 3 and comment contains "柜台"', 4, "柜台太慢", False),
    ],
)  # fmt: skip
def test_a_rule_holds(when: str, score: int | None, words: str, does: bool) -> None:
    assert holds(when, score, words) is does


@pytest.mark.parametrize(
    "when",
    ["", "score", "score << 2", "score <= two", "__import__('os')", "score < 2 or unclear"],
)
def test_what_is_no_condition_is_refused(when: str) -> None:
    with pytest.raises(ValidationError, match="is no condition, write score <= 2"):
        Forward(when=when, to="complaints")


def test_a_department_hears_of_an_answer_once() -> None:
    form = survey(
        forward=(
            {"when": "complaint", "to": "complaints"},
            {"when": "score <= 2", "to": "complaints"},
            {"when": "score <= 2", "to": "client-service"},
        )
    )
    found = read("1 投诉", [Open(1, 1, 1, form, MONDAY)], at(), SHANGHAI).answer
    assert found is not None

    assert forwarded(form, found) == [
        ("complaints", "complaint"), ("client-service", "score <= 2"),
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["T", "TD", "R", "N", "D", "QX", "BZ"])
def test_a_code_that_means_an_opt_out_or_help_is_refused(code: str) -> None:
    with pytest.raises(ValidationError, match="means something else in a reply"):
        survey(code)


def test_a_scale_has_a_word_for_each_number_or_none() -> None:
    with pytest.raises(ValidationError, match="has 1 words, write 5"):
        Scale(words=(QUESTION,))
