"""Leg 1: find what is due, open its run, and plan it page by page; or try all that out first."""

from outreach.plan.corrections import stop_untrue
from outreach.plan.due import Due, Overtaken
from outreach.plan.estimate import Estimate, estimate
from outreach.plan.fire import fire_due
from outreach.plan.fire_events import Fired
from outreach.plan.job import Job
from outreach.plan.missed import though_missed
from outreach.plan.prepare import prepare, settle
from outreach.plan.rehearsal import MADE_UP, rehearsal
from outreach.plan.run import open_run, reopened, work

__all__ = [
    "MADE_UP",
    "Due",
    "Estimate",
    "Fired",
    "Job",
    "Overtaken",
    "estimate",
    "fire_due",
    "open_run",
    "prepare",
    "rehearsal",
    "reopened",
    "settle",
    "stop_untrue",
    "though_missed",
    "work",
]
