"""An answer as the store takes it."""

from datetime import UTC, datetime

from outreach.core.survey import Answer, Kind, Open
from outreach.core.survey_form import Survey
from outreach.core.written import Bilingual
from outreach.store.surveys import NewAnswer

AT = datetime(2026, 9, 29, 2, tzinfo=UTC)


def one_answer(run: int = 1, client: int = 1) -> NewAnswer:
    """A complaint of a client about the survey of a run."""
    form = Survey(code="A", questions=(Bilingual(zh="？", en="?"),), answer_until_days=7)
    answer = Answer(Open(run, client, 1, form, AT), Kind.ANSWER, 1, "投诉")
    return NewAnswer(answer, "1 投诉", AT, "sms", f"{run}-{client}")
