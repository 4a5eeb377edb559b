"""What a survey gives to its texts: code, questions, scale, last day and each client's link."""

from datetime import date, timedelta
from typing import Final

from outreach.core.formats import format_date
from outreach.core.survey_form import Survey
from outreach.core.words import Sentence
from outreach.core.written import Bilingual

SURVEY_PER_CLIENT: Final[dict[str, Sentence]] = {
    "survey_url": Sentence("the client's own link to the survey", "客户专属问卷链接"),
}
SURVEY_NAMES: Final = frozenset(
    {
        "survey_code", "survey_question", "survey_questions", "survey_lowest", "survey_highest",
        "survey_worst", "survey_best", "survey_until", *SURVEY_PER_CLIENT,
    }
)  # fmt: skip
SAMPLE_WEEK: Final = timedelta(days=7)
_SAMPLE: Final = Survey(
    code="A",
    questions=(
        Bilingual(zh="您对本次服务是否满意？", en="How satisfied are you with our service?"),
    ),
    answer_until_days=SAMPLE_WEEK.days,
)


def survey_values(survey: Survey, locale: str, last_on: date, year: int) -> dict[str, object]:
    """The values that are the same for every client. Without words for its numbers, worst and best
    are the numbers."""
    scale, questions = survey.scale, [one.in_(locale) for one in survey.questions]
    said = [one.in_(locale) for one in scale.said] or [str(scale.lowest), str(scale.highest)]
    return {
        "survey_code": survey.code,
        "survey_question": questions[0],
        "survey_questions": questions,
        "survey_lowest": str(scale.lowest),
        "survey_highest": str(scale.highest),
        "survey_worst": said[0],
        "survey_best": said[-1],
        "survey_until": format_date(last_on, locale, year),
    }


def sample_survey(locale: str, today: date, survey: Survey = _SAMPLE) -> dict[str, object]:
    """What a text may use of a survey, for a client that is made up; a week is left to answer."""
    return {
        **survey_values(survey, locale, today + SAMPLE_WEEK, today.year),
        "survey_url": "https://www.example.com/s/sample",
    }
