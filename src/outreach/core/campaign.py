"""What a clerk writes: campaigns, templates and the occurrences they fire on, as frozen models."""

from datetime import date, time, timedelta
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from outreach.core.market_conditions import OnMarketMove as OnMarketMove
from outreach.core.survey_form import Survey
from outreach.core.words import Channel, Purpose
from outreach.core.written import Bilingual as Bilingual
from outreach.core.written import BilingualList as BilingualList
from outreach.core.written import Locale as Locale
from outreach.core.written import Name as Name
from outreach.core.written import Risk, RiskOrNone
from outreach.core.written import Written as Written


class OnClosure(Written):
    """Fires for the market's next closure of several days. Key: MARKET-YYYY-MM-DD (first day)."""

    kind: Literal["closure"]
    market: str = "CN_A"
    within_days: int = Field(14, ge=1, le=60, description="How far ahead a closure may begin.")


HaltEvent = Literal[
    "halted", "extended", "resume_planned", "resumed", "corrected", "cancelled", "delisting"
]


class OnHalt(Written):
    """Tells of halts that nobody was told of yet. Key: YYYY-MM-DD, then YYYY-MM-DD.2 and so on."""

    kind: Literal["halt"]
    markets: tuple[str, ...] = ("XSHG", "XSHE", "BJSE")
    calendar: str = "CN_A"
    max_age_hours: int = Field(24, ge=1, description="Older halt data defers the alerts.")
    events: tuple[HaltEvent, ...] = Field(
        get_args(HaltEvent), min_length=1, description="What is told of a halt; without it, all."
    )
    min_duration_minutes: int = Field(
        30, ge=0, description="Halts with less trading time in them are not told."
    )
    leave_out_families: tuple[str, ...] = Field(
        (), description="Reason families that are not told, such as 召开股东大会."
    )
    digest_minutes: int = Field(
        10, ge=0, le=1440, description="So long an alert waits for others to go with it."
    )


class OnDay(Written):
    """Fires when it is asked for, at most once a day. Key: YYYY-MM-DD in the firm's zone."""

    kind: Literal["day"]
    expires_after_hours: int = Field(72, ge=1)


class OnIncident(Written):
    """Fires for each step that is told of an incident. Key: INC-2026-0001.2, the second step."""

    kind: Literal["incident"]
    tells: Literal["notices", "aftercare"] = Field(
        "notices", description="All steps up to the end of the incident, or the message afterwards."
    )
    grace_minutes: int = Field(
        30, ge=1, le=240, description="So long after the promised update a notice is stale."
    )
    useful_hours: int = Field(
        12, ge=1, le=168, description="So long a notice is of use that promises no update."
    )


OccurrenceRule = Annotated[
    OnClosure | OnHalt | OnDay | OnIncident | OnMarketMove, Field(discriminator="kind")
]


# --- schedules: when a campaign fires ---------------------------------------------------------


def _without_zone(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError("names a zone, write the time alone and zone = ... beside it")
    return at


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TimeOfDay = Annotated[
    time, AfterValidator(_without_zone), Field(description="Time of day, such as 15:30:00.")
]
ZoneName = Annotated[
    str | None, Field(description="Whose clock `at` is read on, such as Asia/Shanghai.")
]
MarketName = Annotated[str | None, Field(description="The market; without it, that of the firm.")]
Sessions = Annotated[int, Field(ge=1, le=250, description="Trading days.")]
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


class Timed(Written):
    """What every schedule says that fires by itself."""

    misfire: Literal["latest", "skip", "all"] = Field(
        "latest",
        description="Of moments that passed while nothing ran: fire the latest, none, or all.",
    )
    max_late: str = Field(
        "2h", pattern=r"^[1-9]\d{0,3}[mhd]$", description="Later than this, it is missed for good."
    )

    @property
    def latest_by(self) -> timedelta:
        """How late it may start."""
        return timedelta(**{_UNITS[self.max_late[-1]]: int(self.max_late[:-1])})


class DailyAt(Timed):
    """Every day at a time of day."""

    on: Literal["daily"]
    at: TimeOfDay
    zone: ZoneName = None


class WeeklyAt(Timed):
    """On certain days of the week."""

    on: Literal["weekly"]
    weekdays: tuple[Weekday, ...] = Field(min_length=1)
    at: TimeOfDay
    zone: ZoneName = None


class MonthlyAt(Timed):
    """On a day of the month; in a shorter month, on its last day."""

    on: Literal["monthly"]
    day: int = Field(ge=1, le=31)
    at: TimeOfDay
    zone: ZoneName = None


class AtSession(Timed):
    """At the opening or close of each session, so many minutes later (earlier when negative)."""

    on: Literal["session_open", "session_close"]
    market: MarketName = None
    offset_minutes: int = Field(0, ge=-1440, le=1440)
    weekdays: tuple[Weekday, ...] = Field((), description="Only sessions on these days.")


class AroundClosure(Timed):
    """On the n-th session before or after each closure; 1 is the nearest to it."""

    on: Literal["before_closure", "after_closure"]
    market: MarketName = None
    sessions: int = Field(1, ge=1, le=30, description="1 is the session nearest to the closure.")
    at: TimeOfDay
    zone: ZoneName = None


class InMonth(Timed):
    """On the first or last session of each month."""

    on: Literal["month_first_session", "month_last_session"]
    market: MarketName = None
    at: TimeOfDay
    zone: ZoneName = None


class EveryNth(Timed):
    """On every n-th session, counted from the first on or after `starts_on`."""

    on: Literal["every_sessions"]
    market: MarketName = None
    sessions: Sessions
    starts_on: date
    at: TimeOfDay
    zone: ZoneName = None


class OnceAt(Timed):
    """Once, on one day at a time of day."""

    on: Literal["once"]
    day: date
    at: TimeOfDay
    zone: ZoneName = None


class AfterClientEvent(Timed):
    """Every day, for the clients whose event lies so many days back (ahead when negative).

    A day that passed is made up for: nobody's day comes a second time.
    """

    on: Literal["client_event"]
    event: Literal["opened_on", "assessment_expires_on", "document_expires_on"]
    days: int = Field(0, ge=-3650, le=3650, description="Days after it; before it when negative.")
    at: TimeOfDay
    zone: ZoneName = None
    misfire: Literal["latest", "skip", "all"] = "all"
    max_late: str = Field("3d", pattern=r"^[1-9]\d{0,3}[mhd]$")


class OnMarketEvent(Written):
    """When it happens: a feed reports it, or a person opens an incident."""

    on: Literal["market_event"]
    event: Literal["halt", "market_move", "incident"]


class ByHand(Written):
    """Only when somebody runs it."""

    on: Literal["hand"] = "hand"


Schedule = Annotated[
    DailyAt
    | WeeklyAt
    | MonthlyAt
    | AtSession
    | AroundClosure
    | InMonth
    | EveryNth
    | OnceAt
    | AfterClientEvent
    | OnMarketEvent
    | ByHand,
    Field(discriminator="on"),
]
WEEKDAYS: Final[dict[str, int]] = {
    name: number
    for number, name in enumerate(Weekday.__args__, start=1)  # type: ignore[attr-defined]
}
Value = str | int | float | date | list[str]


class Campaign(Written):
    """One file in campaigns/. Its id is the file's name without `.toml`."""

    name: Bilingual
    purpose: Purpose
    segment: Name = Field(description="A segment of campaigns/segments.toml.")
    template: Name = Field(description="A folder of templates/.")
    channels: tuple[Channel, ...] = Field(min_length=1, description="In order of preference.")
    deliver: Literal["first", "each"] = Field(
        "first", description="`first` channel that is allowed, or `each` of them."
    )
    owner: str = Field(min_length=1, description="Who wrote it; somebody else must approve it.")
    occurrence: OccurrenceRule
    schedule: Schedule = Field(
        default=ByHand(), description="When it fires. Without it, only when somebody runs it."
    )
    urgent: bool = Field(
        False, description="Exempt from contact hours; the reason is `urgent_why`."
    )
    urgent_why: str = ""
    product_risk: Annotated[
        Risk | None,
        BeforeValidator(
            lambda written: None if written == "none" else written,
            json_schema_input_type=RiskOrNone,
        ),
    ] = Field(
        None,
        description='Risk level of the product spoken of, or "none"; marketing must state either.',
    )
    repeat_after_days: int | None = Field(
        None, ge=1, description="A client who got this campaign more recently is left out."
    )
    channels_by_preference: bool = Field(
        False, description="The channel a client prefers goes first, where it is among `channels`."
    )
    survey: Survey | None = Field(
        default=None, description="What it asks, and what answers lead to."
    )
    enabled: bool = True
    values: dict[str, Value | Bilingual | BilingualList] = Field(
        default_factory=dict, description="Values the texts use beside those of client and firm."
    )


class Slot(Written):
    """What an approved text leaves open until the moment it is sent."""

    type: Literal["text", "time"]
    longest: int = Field(40, ge=1, le=120, description="Characters of a text, in each language.")
    required: bool = Field(False, description="Every notice of an open incident fills it.")


SlotName = Literal["status", "workaround", "next_update_by", "resolved_at"]


class Template(Written):
    """template.toml of a folder in templates/, beside <channel>.<locale>.<part>.j2 files."""

    name: Bilingual
    fallback: Locale = "zh-CN"
    max_sms_parts: int = Field(2, ge=1, le=10)
    securities_content: bool = Field(True, description="Speaks of securities or finance.")
    slots: dict[SlotName, Slot] = Field(
        default_factory=dict, description="Of an incident's texts: what is filled in when it goes."
    )


EMAIL_PARTS = ("subject", "text", "html")
SMS_PARTS = ("text",)
PUSH_PARTS = ("title", "text")
PARTS: dict[Channel, tuple[str, ...]] = {
    Channel.SMS: SMS_PARTS,
    Channel.EMAIL: EMAIL_PARTS,
    Channel.PUSH: PUSH_PARTS,
}
