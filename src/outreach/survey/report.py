"""What a survey came to: one run, or all runs of a campaign together."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from outreach.core.survey_report import SurveyReport, survey_report
from outreach.core.written import Bilingual
from outreach.store import surveys
from outreach.store.surveys import Given, SurveyRun


class Reported(NamedTuple):
    """A report with the runs it is about and the answers it counts."""

    runs: Sequence[SurveyRun]
    question: Bilingual
    words: dict[int, Bilingual]  # of the scale's numbers, where they have any
    report: SurveyReport
    given: Sequence[Given]


def report(
    conn: Connection, *, campaign: str | None = None, run_id: int | None = None
) -> Reported | str:
    """The report of a run, or of every run of a campaign; a sentence when there is none."""
    runs = surveys.survey_runs(conn, campaign)
    if run_id is not None:
        runs = [one for one in runs if one.run_id == run_id]
    if not runs:
        return f"run {run_id} is no survey" if run_id is not None else f"{campaign}: never sent"
    newest = runs[0].survey
    scores = range(newest.scale.lowest, newest.scale.highest + 1)
    given = surveys.given(conn, [one.run_id for one in runs])
    sent = sum(surveys.reached(conn, one.run_id) for one in runs)
    made = survey_report(sent, scores, given)
    words = dict(zip(scores, newest.scale.said, strict=False))
    return Reported(runs, newest.questions[0], words, made, given)
