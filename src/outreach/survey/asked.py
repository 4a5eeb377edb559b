"""What the holder of a survey link is asked: the page shows this before anything is answered."""

from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from outreach.core import survey, survey_link
from outreach.core.survey_form import Survey
from outreach.store import clients, surveys
from outreach.store.database import Database


class Question(NamedTuple):
    """A survey as one client was asked it."""

    survey: Survey
    until_on: date  # the last day on which answers count
    open: bool
    locale: str  # the client's


def question(
    database: Database, key: bytes, token: str, now: datetime, zone: ZoneInfo
) -> Question | None:
    """The survey a link leads to; None where it leads to none. Writes nothing."""
    said = survey_link.read(key, token)
    if said is None:
        return None
    client_id, mark = said
    with database.reading() as conn:
        for one in surveys.survey_runs(conn):
            if survey_link.mark_of(one.campaign, one.occurrence) != mark:
                continue
            asked = surveys.asked(conn, one, client_id)
            if asked is None:
                return None
            until = survey.until(asked.opened_at, asked.survey.answer_until_days, zone)
            in_time = survey.in_time(asked, now, zone)
            locale = clients.locale_of(conn, client_id) or "zh-CN"
            return Question(asked.survey, until, in_time, locale)
    return None
