"""What a page of candidates comes to: decisions, and the messages that follow from them. Pure.

Dry run, preview, run and the second look before a message goes all come through here, so they
cannot differ. (`explain` reads back what was stored.)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

import orjson

from outreach.core.consent import NO_CONSENT, ConsentEvent, fold
from outreach.core.model import (
    ALLOW,
    CampaignFacts,
    Candidate,
    Defer,
    Facts,
    Route,
    Suppress,
    Verdict,
)
from outreach.core.page_rows import CANDIDATE_WIDTH, Row, candidate_reader, stored_facts
from outreach.core.page_rows import PAGE_COLUMNS as PAGE_COLUMNS
from outreach.core.policy import Decision, Hit, decide
from outreach.core.policy.gate import Gate
from outreach.core.sms_text import measure
from outreach.core.values import Reader
from outreach.core.words import Channel, Reason

# Looked up once: an enum's attribute is slow before Python 3.12.
_SMS: Final = Channel.SMS
_EMAIL_CHANNEL: Final = Channel.EMAIL
_PHONE, _PHONE_STATE, _PHONE_COUNTRY, _EMAIL, _EMAIL_STATE, _LOCALE, _CLIENT_NO = range(
    CANDIDATE_WIDTH, CANDIDATE_WIDTH + 7
)

RENDERED_AT_ONCE: Final = 250  # e-mails of 10 kB each: bounds the memory of a page


@dataclass(frozen=True, slots=True)
class Gathered:
    """Facts about a page of clients, fetched set-wise; a client that is not in a map has none."""

    consents: Mapping[int, Sequence[ConsentEvent]] = field(default_factory=dict)
    blocks: Mapping[tuple[int, str], Mapping[str, datetime]] = field(default_factory=dict)
    recent: Mapping[int, int] = field(default_factory=dict)
    sharers: Mapping[tuple[int, str], Sequence[int]] = field(default_factory=dict)


class Renderer(Protocol):
    """What the plan needs of a compiled template."""

    def locale_for(self, wanted: str) -> str: ...

    def render(
        self,
        channel: Channel,
        locale: str,
        constants: Mapping[str, Any],
        rows: Sequence[tuple[Any, ...]],
    ) -> Sequence[Any]:
        """(parts) of each row, or what went wrong with it."""
        ...


@dataclass(frozen=True)
class Sheet:
    """All that is the same for every candidate of a run."""

    campaign: CampaignFacts
    gates: tuple[Gate, ...]
    channels: tuple[Channel, ...]
    each: bool  # every allowed channel, or only the first
    routes: Mapping[
        Channel, tuple[tuple[str, str, str], ...]
    ]  # (prefix, sender, its kind), in order
    template: Renderer
    constants: Mapping[str, Mapping[str, Any]]  # by locale
    readers: Mapping[tuple[Channel, str], Reader]  # a client's row -> what the texts take of it
    max_sms_parts: int
    digest_of: Callable[[tuple[str, ...]], bytes]
    because: int | None = None  # where a row says what of its run concerns the client
    preferences: tuple[str, ...] = ()  # those of PREFERENCES that rows bring behind PAGE_COLUMNS
    by_preference: bool = False  # the channel a client prefers goes first

    def candidate(self, row: Row) -> Candidate:
        """The client of a row, as the rules see it."""
        return candidate_reader(self.preferences)(row)

    def channels_for(self, candidate: Candidate) -> tuple[Channel, ...]:
        """The channels in the order they are asked about."""
        first = candidate.preferred_channel
        if not self.by_preference or first is None or first not in self.channels:
            return self.channels
        wanted = Channel(first)
        return (wanted, *(channel for channel in self.channels if channel is not wanted))


class Choice(NamedTuple):
    """One channel of one candidate with its decision."""

    channel: Channel
    address: str
    sender: str
    route: Route
    decision: Decision


class Draft(NamedTuple):
    """A message to be: everything about it but its id and its batch. Its text is not kept: it can
    be rendered again from the values, and is checked by its digest when it is."""

    client_id: int
    channel: Channel
    address: str
    sender: str
    locale: str
    until: datetime | None  # held until then
    values: tuple[Any, ...]
    sms_parts: int
    sms_units: int
    content_digest: bytes


class Decided(NamedTuple):
    """One candidate's decision over all channels, as it is stored."""

    client_id: int
    verdict: str
    reason: Reason | None
    until: datetime | None
    facts: bytes


class PagePlan(NamedTuple):
    decided: list[Decided]
    drafts: list[Draft]


def plan_page(
    sheet: Sheet,
    rows: Sequence[Row],
    gathered: Gathered,
    taken: set[tuple[str, int]],
    now: datetime,
) -> PagePlan:
    """Decide on a page of candidates and render what may go out.

    `taken` holds (channel, client) of clients that share an address and have a message in this run;
    it is added to, so that pages must come in order.
    """
    chosen = [(row, choose(sheet, row, gathered, taken, now)) for row in rows]
    drafts, failed = _render(sheet, chosen)
    stamp = int(now.timestamp())
    decided = [_decided(sheet, row, choices, failed, stamp) for row, choices in chosen]
    return PagePlan(decided, drafts)


def choose(
    sheet: Sheet, row: Row, gathered: Gathered, taken: set[tuple[str, int]], now: datetime
) -> list[Choice]:
    """Ask the policy about each channel in order; stop at the first allowed one unless `each`."""
    candidate = sheet.candidate(row)
    choices: list[Choice] = []
    planned = 0  # messages to this candidate so far: each takes its place under the cap
    for channel in sheet.channels_for(candidate) if sheet.by_preference else sheet.channels:
        choice = choice_on(sheet, row, candidate, channel, gathered, taken, now, planned)
        choices.append(choice)
        if sheet.each:
            planned += not isinstance(choice.decision.verdict, Suppress)
        elif choice.decision.verdict is ALLOW:
            break
    if gathered.sharers:
        for choice in _sendable(sheet, choices):
            if (candidate.client_id, choice.channel) in gathered.sharers:
                taken.add((choice.channel, candidate.client_id))
    return choices


def choice_on(
    sheet: Sheet,
    row: Row,
    candidate: Candidate,
    channel: Channel,
    gathered: Gathered,
    taken: set[tuple[str, int]],
    now: datetime,
    planned: int = 0,
) -> Choice:
    """Ask the policy about one channel of one candidate, who has `planned` messages of this run."""
    if channel is _SMS:
        address, state, country = row[_PHONE] or "", row[_PHONE_STATE], row[_PHONE_COUNTRY]
    elif channel is _EMAIL_CHANNEL:
        address, state, country = row[_EMAIL] or "", row[_EMAIL_STATE], None
    else:  # the firm's app knows its devices by the client's number
        address, state, country = row[_CLIENT_NO], "ok", None
    sender, kind = _sender(sheet, channel, address)
    client_id = candidate[0]
    events = gathered.consents.get(client_id)
    objected, stopped, purpose_stopped, granted, until = (
        fold(events, channel, sheet.campaign.purpose, now) if events else NO_CONSENT
    )
    listed, shared = False, None
    if gathered.blocks and (blocks := gathered.blocks.get((client_id, channel))):
        listed = "regulator_list" in blocks
        objected = objected or blocks.get("global_objection")
        state = _bounced(blocks) if state == "ok" else state
    if gathered.sharers:
        for other in gathered.sharers.get((client_id, channel), ()):
            if (channel, other) in taken:
                shared = other
                break
    recent = gathered.recent.get(client_id, 0) + planned
    route = Route(
        channel, state, country, kind, listed, objected, stopped,
        purpose_stopped, granted, until, recent, shared,
    )  # fmt: skip
    decision = decide(Facts(candidate, route, sheet.campaign, now), sheet.gates)
    return Choice(channel, address, sender, route, decision)


def _bounced(blocks: Mapping[str, datetime]) -> str:
    """The state of a good address under blocks."""
    if "hard_bounce" in blocks:
        return "hard_bounced"
    return "soft_bounced" if "soft_bounces" in blocks else "ok"


def _sender(sheet: Sheet, channel: Channel, address: str) -> tuple[str, str | None]:
    """The sender that serves an address, and its kind: the first route that fits."""
    for prefix, sender, kind in sheet.routes.get(channel, ()):
        if address.startswith(prefix):
            return sender, kind
    return "", None


def _render(
    sheet: Sheet, chosen: Sequence[tuple[Row, list[Choice]]]
) -> tuple[list[Draft], dict[tuple[int, str], Suppress]]:
    """Render every allowed and deferred message, a (channel, locale) group at a time."""
    groups: dict[tuple[Channel, str], list[tuple[Row, Choice]]] = {}
    locales = {w: sheet.template.locale_for(w) for w in {row[_LOCALE] for row, _ in chosen}}
    for row, choices in chosen:
        for choice in _sendable(sheet, choices):
            locale = locales[row[_LOCALE]]
            groups.setdefault((choice.channel, locale), []).append((row, choice))
    drafts: list[Draft] = []
    failed: dict[tuple[int, str], Suppress] = {}
    for (channel, locale), members in groups.items():
        reader = sheet.readers[channel, locale]
        for at in range(0, len(members), RENDERED_AT_ONCE):
            some = members[at : at + RENDERED_AT_ONCE]
            values = [reader(row) for row, _ in some]
            rendered = sheet.template.render(channel, locale, sheet.constants[locale], values)
            for (row, choice), value, parts in zip(some, values, rendered, strict=True):
                draft = _draft(sheet, row, choice, locale, value, parts)
                if isinstance(draft, Suppress):
                    failed[row[0], channel] = draft
                else:
                    drafts.append(draft)
    return drafts, failed


def _sendable(sheet: Sheet, choices: list[Choice]) -> list[Choice]:
    """The messages that follow: allowed ones; held ones only where nothing better is allowed."""
    allowed = [choice for choice in choices if choice.decision.verdict is ALLOW]
    if sheet.each:
        return [c for c in choices if not isinstance(c.decision.verdict, Suppress)]
    if allowed:
        return allowed
    return [c for c in choices if isinstance(c.decision.verdict, Defer)][:1]


def _draft(
    sheet: Sheet,
    row: Row,
    choice: Choice,
    locale: str,
    value: tuple[Any, ...],
    parts: Any,
) -> Draft | Suppress:
    """The message, or why there can be none."""
    if type(parts) is not tuple:  # a RenderError
        return Suppress(Reason.RENDER_ERROR)
    sms_parts = sms_units = 0
    if choice.channel is _SMS:
        _, sms_units, sms_parts = measure(parts[0])
        if sms_parts > sheet.max_sms_parts:
            return Suppress(Reason.SMS_TOO_LONG)
    verdict = choice.decision.verdict
    return Draft(
        row[0],
        choice.channel,
        choice.address,
        choice.sender,
        locale,
        verdict.until if isinstance(verdict, Defer) else None,
        value,
        sms_parts,
        sms_units,
        sheet.digest_of(parts),
    )


def _decided(
    sheet: Sheet,
    row: Row,
    choices: list[Choice],
    failed: Mapping[tuple[int, str], Suppress],
    stamp: int,
) -> Decided:
    verdicts: list[Verdict] = []
    routes = []
    for choice in choices:
        verdict: Verdict = choice.decision.verdict
        hits = [_hit(hit) for hit in choice.decision.hits]
        error = failed.get((row[0], choice.channel)) if failed else None
        if error:
            verdict = error
            hits.append(("render", "suppress", error.reason, None))
        verdicts.append(verdict)
        routes.append((tuple(choice.route), hits))
    name, reason, until = combined(verdicts)
    asked = (stamp, stored_facts(row, sheet.preferences), routes)
    if sheet.because is not None and (because := row[sheet.because]):
        return Decided(row[0], name, reason, until, orjson.dumps((*asked, because)))
    return Decided(row[0], name, reason, until, orjson.dumps(asked))


def _hit(hit: Hit) -> tuple[str, str, str, datetime | None]:
    if isinstance(hit.verdict, Defer):
        return (hit.gate, "defer", hit.verdict.reason, hit.verdict.until)
    return (hit.gate, "suppress", hit.verdict.reason, None)


def combined(verdicts: Sequence[Verdict]) -> tuple[str, Reason | None, datetime | None]:
    """A candidate over all channels: one allowed is allowed, one held is held, else the reason of
    the channel the campaign prefers."""
    if ALLOW in verdicts:
        return "allow", None, None
    for verdict in verdicts:
        if isinstance(verdict, Defer):
            return "defer", verdict.reason, verdict.until
    first = verdicts[0]
    assert isinstance(first, Suppress)  # noqa: S101 - the three kinds are all there are
    return "suppress", first.reason, None
