"""A preview: exactly what one client would get, byte for byte, and what the policy says to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from outreach.core.campaign import PARTS
from outreach.core.mime import Letterhead, Skeleton
from outreach.core.model import ALLOW, Defer, Message, Suppress, Verdict
from outreach.core.page_plan import PAGE_COLUMNS, Choice, Sheet, choice_on
from outreach.core.run_values import RunValues
from outreach.core.sms_text import measure
from outreach.core.unsubscribe import Unsubscribe
from outreach.core.words import Channel, Reason
from outreach.project.definition import Definition
from outreach.store import facts


class Job(Protocol):
    """The part of a planned run that a preview needs."""

    definition: Definition
    values: RunValues
    sheet: Sheet
    links: Unsubscribe | None

    def completed(self, conn: Connection, rows: Any) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True)
class Shown:
    """One message as it would leave the house."""

    client: str
    choice: Choice
    locale: str
    parts: tuple[str, ...]
    message: Message
    letterhead: Letterhead
    zone: str
    max_sms_parts: int

    @property
    def verdict(self) -> str:
        """What the policy says now, in a word and a reason; moments on the firm's clock."""
        verdict = self._verdict
        if isinstance(verdict, Suppress):
            return f"would be suppressed: {verdict.reason.sentence.en} ({verdict.reason})"
        if isinstance(verdict, Defer):
            until = verdict.until.astimezone(ZoneInfo(self.zone))
            when = f"{until:%Y-%m-%d %H:%M} ({self.zone})"
            return f"would be held until {when}: {verdict.reason.sentence.en} ({verdict.reason})"
        return "would be sent"

    @property
    def _verdict(self) -> Verdict:
        """What the gates say; of an SMS that may go out by them, also whether it is too long."""
        said = self.choice.decision.verdict
        if self.choice.channel is not Channel.SMS or isinstance(said, Suppress):
            return said
        too_long = measure(self.parts[0]).parts > self.max_sms_parts
        return Suppress(Reason.SMS_TOO_LONG) if too_long else said

    @property
    def email(self) -> bool:
        return self.choice.channel is Channel.EMAIL

    def text(self) -> str:
        """For the terminal: the SMS, the notification, or the mail's subject and plain text."""
        if self.email:
            return f"Subject: {self.parts[0]}\n\n{self.parts[1]}"
        if self.choice.channel is Channel.PUSH:
            return "\n".join(self.parts)
        size = measure(self.parts[0])
        return f"{self.parts[0]}\n\n{size.encoding}, {size.units} units, {size.parts} part(s)"

    @property
    def file_kinds(self) -> tuple[str, ...]:
        """The endings under which it can be written."""
        return (".eml", ".html", ".txt") if self.email else (".txt",)

    def as_file(self, suffix: str) -> bytes:
        """The mail as .eml, its HTML, or the plain text."""
        if self.email and suffix == ".eml":
            return Skeleton(self.letterhead, self.locale, "8bit").fill(self.message)
        if self.email and suffix == ".html":
            return self.parts[2].encode()
        return (self.parts[1] if self.email else "\n".join(self.parts)).encode()

    def document(self) -> dict[str, Any]:
        """For scripts."""
        sms = self.choice.channel is Channel.SMS
        size = measure(self.parts[0])._asdict() if sms else None
        verdict = self._verdict
        return {
            "client": self.client,
            "channel": self.choice.channel,
            "locale": self.locale,
            "verdict": "allow" if verdict is ALLOW else type(verdict).__name__.lower(),
            "reason": getattr(verdict, "reason", None),
            "parts": dict(zip(PARTS[self.choice.channel], self.parts, strict=True)),
            "sms": size,
        }


def preview_of(
    conn: Connection, job: Job, client_no: str, channel: Channel | None, now: datetime
) -> Shown | str:
    """What the client would get on the channel, or on the one that is asked about first; a sentence
    when that cannot be shown."""
    names = (*PAGE_COLUMNS, *job.definition.value_columns)
    found = facts.client_numbered(conn, client_no, names)
    if found is None:
        return f"{client_no}: the client book has no such client"
    row = job.completed(conn, [found])[0]
    if job.values.alerts and row[len(names)] is None:  # its securities come behind what was asked
        told = ", ".join(sorted({one.symbol for one in job.values.alerts}))
        return f"{client_no}: neither holds nor watches, by the snapshots, what is told now: {told}"
    channel = channel or job.sheet.channels_for(job.sheet.candidate(row))[0]
    locale = job.sheet.template.locale_for(row[PAGE_COLUMNS.index("locale")])
    values = job.sheet.readers[channel, locale](row)
    rendered = job.sheet.template.render(channel, locale, job.sheet.constants[locale], [values])[0]
    if type(rendered) is not tuple:
        return f"{client_no}: the {channel} cannot be rendered for this client: {rendered}"
    choice = _choice(conn, job, row, channel, now)
    message, letterhead = _addressed(job, row, choice, rendered, locale, now)
    zone = job.definition.config.firm.zone
    most = job.sheet.max_sms_parts
    return Shown(client_no, choice, locale, rendered, message, letterhead, zone, most)


def _choice(
    conn: Connection, job: Job, row: tuple[Any, ...], channel: Channel, now: datetime
) -> Choice:
    campaign = job.definition.campaign
    gathered = facts.gather(
        conn,
        [row[0]],
        channels=campaign.channels,
        purpose=campaign.purpose,
        cap=job.definition.cap,
        now=now,
        grants=True,
    )
    candidate = job.sheet.candidate(row)
    return choice_on(job.sheet, row, candidate, channel, gathered, set(), now)


def _addressed(
    job: Job,
    row: tuple[Any, ...],
    choice: Choice,
    parts: tuple[str, ...],
    locale: str,
    now: datetime,
) -> tuple[Message, Letterhead]:
    config = job.definition.config
    sender = config.senders.get(choice.sender)
    letterhead = Letterhead(
        getattr(sender, "address", "") or "preview@example.com",
        config.firm.name.zh,
        config.firm.name.en,
    )
    email = choice.channel is Channel.EMAIL
    link = job.links.url(row[0]) if job.links and email else None
    to = choice.address or "nobody@example.com"
    return Message(0, 0, to, locale, parts, now, link), letterhead
