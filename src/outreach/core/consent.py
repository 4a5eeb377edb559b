"""What a client's consent events add up to, for one channel and purpose, at one moment."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple


class Action(StrEnum):
    """What an event did. `confirm` is evidence for a grant and changes nothing by itself."""

    GRANT = "grant"
    WITHDRAW = "withdraw"
    OBJECT = "object"
    CONFIRM = "confirm"
    EXPIRE = "expire"  # a grant ended without the client's having opted out


class Source(StrEnum):
    """Where an event was captured; `by_client` tells the client's own word from the firm's."""

    by_client: bool

    def __new__(cls, value: str, by_client: bool) -> "Source":
        member = str.__new__(cls, value)
        member._value_ = value
        member.by_client = by_client
        return member

    ACCOUNT_OPENING_FORM = "account_opening_form", True
    APP = "app", True
    WEB = "web", True
    CALL_RECORDING = "call_recording", True
    BRANCH_PAPER = "branch_paper", True
    SMS_MO = "sms_mo", True  # START, STOP and the like from the handset
    ONE_CLICK = "one_click", True
    EMAIL_REPLY = "email_reply", True
    STAFF = "staff", False
    BATCH_IMPORT = "batch_import", False
    REGULATOR_LIST = "regulator_list", False
    PROVIDER_SYNC = "provider_sync", False


class ConsentEvent(NamedTuple):
    """One line of the ledger. No channel or no purpose means every one of them."""

    channel: str | None
    purpose: str | None
    action: str
    source: str
    captured_at: datetime  # when the client said so
    recorded_at: datetime  # when the ledger learned of it
    valid_until: datetime | None = None


class ConsentState(NamedTuple):
    """Where a client stands on one channel and purpose; every field is None when not in force."""

    objected_on: datetime | None = None  # objection to everything
    stopped_on: datetime | None = None  # opt-out of the channel
    purpose_stopped_on: datetime | None = None  # opt-out of the purpose
    granted_on: datetime | None = None
    granted_until: datetime | None = None


NO_CONSENT: Final = ConsentState()
_BY_CLIENT: Final = frozenset(source.value for source in Source if source.by_client)
_STOPS: Final = frozenset({Action.WITHDRAW.value, Action.OBJECT.value})


def fold(events: Sequence[ConsentEvent], channel: str, purpose: str, at: datetime) -> ConsentState:
    """The state at `at`, gate by gate, the latest event first. Grants captured later are left out;
    opt-outs count all the same, so that no clock that runs ahead can lose one (who asks about the
    past gives the events `until` then).

    An opt-out stands until the client lifts it: by a grant that is newer and the client's own
    (form, app, START), never by an import or a member of staff. An opt-out of everything, which is
    also what a complaint amounts to, is lifted only by a grant of everything. At the same moment
    the opt-out wins. Consent must name its purpose: START lifts a stop and grants nothing. What
    the firm claims in bulk never extends a term the client gave.
    """
    if not events:
        return NO_CONSENT
    objected = stopped = purpose_stopped = None
    grant: ConsentEvent | None = None
    term: datetime | None = None
    for event in _in_order(events, at):
        if event.channel not in (None, channel) or event.purpose not in (None, purpose):
            continue
        when = event.captured_at
        if event.action == Action.GRANT:
            if event.source in _BY_CLIENT:
                stopped = _lifted(stopped, when)
                purpose_stopped = _lifted(purpose_stopped, when)
                if event.channel is None and event.purpose is None:
                    objected = _lifted(objected, when)
            if event.purpose is not None and _counts(event, grant):
                grant, term = event, event.valid_until
        elif event.action in _STOPS:
            if event.purpose is not None:
                purpose_stopped, grant, term = when, None, None
            elif event.channel is not None:
                stopped = when
            else:
                objected = when
        elif event.action == Action.EXPIRE and grant is not None:
            term = when if term is None else min(term, when)
    granted = None if grant is None else grant.captured_at
    return ConsentState(objected, stopped, purpose_stopped, granted, term)


def until(events: Sequence[ConsentEvent], at: datetime) -> list[ConsentEvent]:
    """The events a client had caused by `at`: the ledger as of an earlier moment."""
    return [event for event in events if event.captured_at <= at]


def _counts(grant: ConsentEvent, standing: ConsentEvent | None) -> bool:
    return grant.source in _BY_CLIENT or standing is None or standing.source not in _BY_CLIENT


def _in_order(events: Sequence[ConsentEvent], at: datetime) -> Iterable[ConsentEvent]:
    """What counts at `at`, oldest first; a paper form may be recorded days after it was signed.
    Opt-outs come last among events of one moment."""
    past = [event for event in events if event.captured_at <= at or event.action in _STOPS]
    return sorted(past, key=lambda event: (event.captured_at, event.action in _STOPS))


def _lifted(stop: datetime | None, when: datetime) -> datetime | None:
    return None if stop is not None and when > stop else stop
