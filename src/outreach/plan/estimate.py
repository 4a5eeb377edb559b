"""The dry run: the same decisions, nothing written."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from outreach.core.masking import masked_name
from outreach.core.page_plan import Draft
from outreach.core.rate import pace_of
from outreach.plan.job import Job, decide
from outreach.project.config import limited_countries
from outreach.store.database import Database


@dataclass
class Estimate:
    """What a run would come to."""

    audience: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    lanes: Counter[tuple[str, str | None]] = field(default_factory=Counter)  # sender, its country
    sms_parts: int = 0
    longest_sms: Draft | None = None
    parts: Counter[str] = field(default_factory=Counter)  # SMS parts by sender
    samples: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)  # masked


def estimate(database: Database, job: Job, now: datetime, tick: Callable[[int], None]) -> Estimate:
    """Plan without writing anything: the same decisions `run` would make at this moment."""
    total, after = Estimate(), 0
    countries = limited_countries(job.definition.config)
    with database.reading() as conn:
        while page := decide(conn, job, after, job.definition.config.engine.page, now):
            after, job.taken = page.rows[-1][0], page.taken
            total.audience += len(page.rows)
            for decided in page.plan.decided:
                total.decisions[decided.verdict] += 1
                if decided.reason:
                    total.reasons[decided.reason] += 1
            for draft in page.plan.drafts:
                total.channels[draft.channel] += 1
                total.senders[draft.sender] += 1
                prefixes = countries.get(draft.sender, ())
                pace = pace_of(draft.sender, prefixes, draft.address)
                total.lanes[draft.sender, pace] += 1
                total.sms_parts += draft.sms_parts
                total.parts[draft.sender] += draft.sms_parts
                longest = total.longest_sms
                if draft.sms_parts and (not longest or draft.sms_units > longest.sms_units):
                    total.longest_sms = draft
                if (draft.channel, draft.locale) not in total.samples:
                    total.samples[draft.channel, draft.locale] = _rendered(job, draft)
            tick(total.audience)
    return total


def _rendered(job: Job, draft: Draft) -> tuple[str, ...]:
    """The text of a planned message, made again for a screen: without whose it is."""
    template, constants = job.sheet.template, job.sheet.constants[draft.locale]
    names = job.definition.template.names(draft.channel, draft.locale)
    shown = tuple(
        mask(str(value)) if value and (mask := _MASKS.get(name)) else value
        for name, value in zip(names, draft.values, strict=True)
    )
    return tuple(template.render(draft.channel, draft.locale, constants, [shown])[0])


def _door_only(url: str) -> str:
    """A link without its token: whoever has that can use it."""
    return f"{url[: url.rfind('/') + 1]}…"


_MASKS: Final[dict[str, Callable[[str], str]]] = {
    "client_name": masked_name,
    "salutation": masked_name,
    "unsubscribe_url": _door_only,
    "survey_url": _door_only,
    "margin_ratio": lambda _ratio: "***%",
}
