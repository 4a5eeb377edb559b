"""Surveys after they were sent: an answer by link, cases for departments, and what it came to."""

from outreach.survey.answer import Received, Refused, answer
from outreach.survey.forward import HandOver, Tried, forward
from outreach.survey.report import Reported, report

__all__ = [
    "HandOver",
    "Received",
    "Refused",
    "Reported",
    "Tried",
    "answer",
    "forward",
    "report",
]
