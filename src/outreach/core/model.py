"""The frozen values that travel between the rooms: facts, verdicts, messages and outcomes."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Final, NamedTuple

from outreach.core.words import Channel, Purpose, Reason, Sentence, State

POLICY_VERSION: Final = "2026-11-4"


# --- what a rule may see ---------------------------------------------------------------------


class Candidate(NamedTuple):
    """A client in a run's audience, as the rules see it. Holds no name and no address."""

    client_id: int
    status: str  # normal | dormant | defective | frozen | closed | deceased
    legal_hold: bool
    country: str | None  # ISO 3166 alpha-2 of residence
    zone: str | None  # IANA time zone; None = unknown, so the strictest hours apply
    risk_level: int | None  # C1..C5 as 1..5
    lowest_tolerance: bool  # the lowest-tolerance sub-class of C1
    assessment_expires_on: date | None
    professional: bool
    # What the client asked of us. Read, and stored with a decision, only where the run needs it.
    wanted_risk: int | None = None  # R1..R5 as 1..5: the client's own ceiling
    own_hours: str | None = None  # 09:30-12:00 on the client's own clock
    preferred_channel: str | None = None


class Route(NamedTuple):
    """One channel of one candidate: the state of the address and of consent on it."""

    channel: Channel
    address: str  # ok | missing | invalid | hard_bounced | soft_bounced
    country: str | None  # where the address is (phone prefix); None for e-mail
    provider: str | None  # kind of the sender that serves it; None = no route
    listed: bool  # on a regulator's or do-not-contact list
    objected_on: datetime | None  # global objection in force
    stopped_on: datetime | None  # opt-out of the channel in force
    purpose_stopped_on: datetime | None  # opt-out of the purpose in force
    granted_on: datetime | None  # consent to this purpose on this channel in force
    granted_until: datetime | None
    recent: int  # messages that count towards the cap within its window
    shared_with: int | None  # client whose message of this run goes to the same address


@dataclass(frozen=True, slots=True)
class ContactHours:
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    messages: int
    days: int


@dataclass(frozen=True, slots=True, eq=False)
class CampaignFacts:
    """What is the same for every candidate of a run. Compared by identity, so that what follows
    from it can be cached at no cost."""

    purpose: Purpose
    risk_level: int | None = None  # R1..R5 as 1..5 of the product spoken of
    securities_content: bool = True
    approved: bool = True
    contact_hours: ContactHours | None = None  # None: the purpose may be sent at any hour
    cap: FrequencyCap | None = None
    expires_at: datetime | None = None
    superseded_by: str | None = None
    halts_as_of: datetime | None = None  # of the oldest halt data the run relies on; None: unknown
    halts_max_age_hours: int | None = None  # None: relies on none
    halt_markets: tuple[str, ...] = ()  # whose halt data the run relies on
    candidate_zones: tuple[str, ...] = ()  # zones an unknown client may live in
    zone: str = "Asia/Shanghai"  # the firm's: its calendar day decides what has run out


class Facts(NamedTuple):
    candidate: Candidate
    route: Route
    campaign: CampaignFacts
    now: datetime


class Frozen(NamedTuple):
    """One thing a run was made from, kept under the digest of its content."""

    kind: str  # campaign | segment | template | policy
    name: str
    digest: str  # SHA-256 of content, hex
    content: bytes  # canonical JSON


# --- what a rule says ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Allow:
    pass


@dataclass(frozen=True, slots=True)
class Defer:
    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Suppress:
    reason: Reason


Verdict = Allow | Defer | Suppress
ALLOW: Final = Allow()


class GateVerdict(NamedTuple):
    """One gate's answer with the facts it saw, for `explain`."""

    gate: str
    verdict: Verdict
    facts: dict[str, object]
    sentence: Sentence


# --- what is sent, and what came of it -------------------------------------------------------


class Message(NamedTuple):
    """One rendered message on its way to an adapter."""

    id: int
    run_id: int
    to: str
    locale: str
    parts: tuple[str, ...]  # as core.campaign.PARTS names them: SMS (text,), push (title, text)
    at: datetime  # when it was planned: the Date header, the same on every attempt
    unsubscribe: str | None  # one-click URL of this client and purpose
    expires_at: datetime | None = None  # after which it is of no use; None: never, or not known


class About(StrEnum):
    """What an outcome other than accepted speaks of: whose affair it is, and who has to wait."""

    MESSAGE = "message"  # this message or its recipient alone
    RATE = "rate"  # less is wanted: the sender waits, for all its workers
    CONNECTION = "connection"  # the provider was not reached, or fell silent
    CONTENT = "content"  # the text, which others of the run have too
    ACCOUNT = "account"  # us: login, balance, sender number
    OPTED_OUT = "opted_out"  # the recipient, who has told the provider to stop: a withdrawal


class Outcome(NamedTuple):
    """What one attempt came to: accepted, failed, in_doubt, or ready (not taken, try again)."""

    state: State
    code: str = ""
    detail: str = ""
    provider_ref: str = ""
    digest: bytes = b""  # SHA-256 of the exact bytes handed over
    about: About = About.MESSAGE  # where an adapter leaves it so, core.said goes by the code
    wait: float = 0.0  # seconds the provider asked to wait before the next try; 0: it named none


def accepted(provider_ref: str = "", digest: bytes = b"") -> Outcome:
    """The provider took the message and answers for it."""
    return Outcome(State.ACCEPTED, "", "", provider_ref, digest)


def refused(code: str, detail: str = "", about: About = About.MESSAGE) -> Outcome:
    """The provider refused this message for good."""
    return Outcome(State.FAILED, code, detail, about=about)


def unavailable(
    code: str, detail: str = "", about: About = About.MESSAGE, wait: float = 0.0
) -> Outcome:
    """Certainly not taken, for a reason that may pass: the message may be tried again."""
    return Outcome(State.READY, code, detail, about=about, wait=wait)


def throttled(code: str, detail: str = "", wait: float = 0.0) -> Outcome:
    """Certainly not taken, because the provider wants less: it moves the clock of the sender for
    all workers, by `wait` seconds where the provider named them."""
    return Outcome(State.READY, code, detail, about=About.RATE, wait=wait)


def in_doubt(code: str, detail: str = "", about: About = About.MESSAGE) -> Outcome:
    """The message may have been taken: never resent without a look."""
    return Outcome(State.IN_DOUBT, code, detail, about=about)
