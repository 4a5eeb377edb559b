"""Surveys after they were sent: an answer by link, cases for departments, and what it came to."""

from outreach.core.survey import Kind
from outreach.survey.answer import Received, Refused, answer
from outreach.survey.asked import Question, question
from outreach.survey.forward import HandOver, Tried, forward
from outreach.survey.report import Reported, report

__all__ = [
    "HandOver",
    "Kind",
    "Question",
    "Received",
    "Refused",
    "Reported",
    "Tried",
    "answer",
    "forward",
    "question",
    "report",
]
