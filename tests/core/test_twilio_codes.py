"""What each of Twilio's codes means: the classes of its error dictionary, and codes in none."""

from datetime import datetime

import pytest

from outreach.core.twilio_codes import CODES, Code, Meaning, meaning_of, until_tomorrow

EXPECTED = {
    Meaning.SLOW: (20429, 14107, 21611, 30001, 30017, 30022),
    Meaning.TOMORROW: (30023, 30027),
    Meaning.DOUBT: (20500, 20503, 30410),
    Meaning.SOFT: (30003, 30008, 30450),
    Meaning.PERMANENT: (21211, 21214, 21217, 21614, 30005, 30006),
    Meaning.OPTED_OUT: (21610,),
    Meaning.BLOCKED: (30004,),
    Meaning.CONTENT: (30007,),
    Meaning.OURS: (
        20003, 21212, 21408, 21606, 21608, 21612, 21703, 21704, 30002, 30024, 30032, 30034,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "meaning"), [(code, meaning) for meaning, codes in EXPECTED.items() for code in codes]
)
def test_a_code_means_what_the_dictionary_says(code: int, meaning: Meaning) -> None:
    assert CODES[code].meaning is meaning


def test_no_code_stands_twice_and_each_has_words_and_a_page_of_its_own() -> None:
    from outreach.core import twilio_codes

    rows: tuple[Code, ...] = twilio_codes._ROWS

    assert len({row.code for row in rows}) == len(rows)
    assert all(row.words and row.meaning.sentence for row in rows)
    assert CODES[30007].source == "https://www.twilio.com/docs/api/errors/30007"


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        (21610, 400, Meaning.OPTED_OUT),
        (99999, 400, None),  # in no table: nobody is blamed
        (0, 400, None),
        (0, 401, Meaning.OURS),
        (0, 403, Meaning.OURS),
        (0, 408, Meaning.DOUBT),
        (0, 429, Meaning.SLOW),
        (0, 502, Meaning.DOUBT),
        (99999, 503, Meaning.DOUBT),
        (21211, 503, Meaning.DOUBT),  # an error of the server: it does not know what it did
        (0, 302, Meaning.OURS),  # another address answers
        (0, 404, Meaning.OURS),
        (20404, 404, Meaning.OURS),
    ],
)
def test_an_answer_is_read_by_its_code_and_its_status(
    code: int, status: int, meaning: Meaning | None
) -> None:
    assert meaning_of(code, status) is meaning


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-09-28T07:30+00:00", 23.5),  # 00:30 of that day in summer time
        ("2026-09-29T06:59+00:00", 1 / 60),
        ("2026-12-01T08:00+00:00", 24),  # midnight in winter time
        ("2026-11-01T07:00+00:00", 25),  # the clocks go back on this day
    ],
)
def test_the_allowance_of_a_day_ends_at_midnight_on_the_pacific(now: str, hours: float) -> None:
    assert until_tomorrow(datetime.fromisoformat(now)) == hours * 3600
