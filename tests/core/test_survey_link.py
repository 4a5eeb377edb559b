"""Links to surveys: they name a client and a survey, and nobody else can make one."""

import pytest

from outreach.core import unsubscribe
from outreach.core.survey_link import SurveyLink, mark_of, read, token
from outreach.core.words import Purpose

KEY, OTHER = b"k" * 32, b"o" * 32
MARK = mark_of("satisfaction-survey", "2026-09-28")


def test_a_link_is_read_back() -> None:
    url = SurveyLink("https://www.example.com/survey/", KEY, MARK).url(4711)

    assert url.startswith("https://www.example.com/survey/")
    assert read(KEY, url.rsplit("/", 1)[1]) == (4711, MARK)


def test_each_client_and_each_survey_has_a_link_of_its_own() -> None:
    marks = (MARK, mark_of("satisfaction-survey", "2026-12-28"), mark_of("other", "2026-09-28"))
    links = {token(KEY, client, mark) for client in (1, 2) for mark in marks}

    assert len(links) == 6


@pytest.mark.parametrize("text", ["", "abc", "*" * 40, "ä" * 40, token(OTHER, 1, MARK)])
def test_what_is_none_of_ours_is_not_read(text: str) -> None:
    assert read(KEY, text) is None


def test_no_changed_letter_passes() -> None:
    made = token(KEY, 1, MARK)
    for place, letter in enumerate(made):
        assert read(KEY, made[:place] + ("A" if letter != "A" else "B") + made[place + 1 :]) is None


def test_a_link_of_one_kind_is_none_of_the_other() -> None:
    assert read(KEY, unsubscribe.token(KEY, 1, Purpose.SURVEY)) is None
    assert unsubscribe.read(KEY, token(KEY, 1, MARK)) is None
