"""config.toml as one frozen value. Secrets are never in it: they come from the environment."""

from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field

from outreach.core.campaign import Bilingual, Locale, Name, Written
from outreach.core.words import Channel, Purpose
from outreach.project.bounce_config import Bounces
from outreach.project.feed_config import HaltFeed
from outreach.project.rate_config import PacedSms, Shared
from outreach.project.sender_config import PluginSender, WebhookSender
from outreach.project.smtp_config import SmtpSender as SmtpSender
from outreach.project.web_config import Web


class Firm(Written):
    """Who speaks: the constants every text may use."""

    name: Bilingual
    legal_name: Bilingual
    signature: Bilingual = Field(description="SMS signature without brackets, 2 to 12 characters.")
    hotline: str
    hotline_hours: Bilingual
    website: str
    address: Bilingual
    risk_line: Bilingual
    sms_opt_out: Bilingual = Field(
        default=Bilingual(zh="拒收请回复R", en=" Reply STOP to opt out"),
        description="Ends every marketing SMS; the wording the gateway has registered.",
    )
    zone: str = "Asia/Shanghai"
    market: str = "CN_A"
    unsubscribe_url: str = Field(description="https address of the one-click door, ends with /")
    survey_url: str = Field("", description="https address of the survey door, ends with /")


PartPrice = Annotated[
    float, Field(ge=0, description="Of one SMS part, for the estimate of `plan`.")
]


class FileSender(PacedSms):
    kind: Literal["file"]
    channel: Channel
    part_price: PartPrice = 0.0
    address: str = Field("", description="From address of e-mail, sender id of SMS.")


class MemorySender(PacedSms):
    kind: Literal["memory"]
    channel: Channel
    address: str = ""


class TwilioSender(PacedSms):
    kind: Literal["twilio_sms"]
    channel: Literal[Channel.SMS] = Channel.SMS
    part_price: PartPrice = 0.0
    address: str = Field(description="Sender number or messaging service SID (MG...).")
    account: str = Field(description="Account SID; token: OUTREACH_SECRET_<SENDER> or *_FILE.")
    receipts_url: str = Field(description="Public address for status callbacks.")
    pool: tuple[str, ...] = Field(
        (), description="Sender numbers in place of the address; a client always hears from one."
    )
    connections: int = Field(16, ge=1, le=64, description="Requests at once.")
    timeout: float = Field(10.0, gt=0)
    base_url: str | None = Field(None, description="Another API address, for tests.")
    ca_file: str | None = Field(None, description="PEM file to trust instead of the system's.")

    def at(self, root: Path) -> Self:
        """This sender with its file read from the project's folder."""
        return self.model_copy(update=_of(root, self.ca_file))


class GatewaySender(PacedSms):
    """An SMS gateway that a profile describes. Secret: OUTREACH_SECRET_<SENDER> or *_FILE."""

    kind: Literal["sms_gateway_http"]
    channel: Literal[Channel.SMS] = Channel.SMS
    part_price: PartPrice = 0.0
    address: str = Field(description="Number or id clients see as the sender.")
    profile: str = Field(description="aliyun, tencent or direct; or a file that ends with .toml.")
    account: str = Field(description="Id the gateway knows us by: AccessKey ID, SecretId, appKey.")
    app: str = Field("", description="Application id, where the gateway has one.")
    sender_id: str = Field("", description="Sender id abroad, where one is registered.")
    extend: str = Field("", description="Extension of the sender number.")
    signatures: tuple[str, ...] = Field(
        (), description="Registered signatures without 【】; a text with another is not sent."
    )
    templates: dict[str, str] = Field(
        default_factory=dict, description="Approved templates, id = text as it was approved."
    )
    base_url: str | None = Field(None, description="Another address than the profile's.")
    connections: int = Field(8, ge=1, le=64)
    timeout: float = Field(10.0, gt=0, description="Seconds for one answer.")
    ca_file: str | None = Field(None, description="PEM file to trust instead of the system's.")
    push_from: tuple[str, ...] = Field(
        (), description="Addresses or networks its pushes come from; empty: any with our token."
    )

    def at(self, root: Path) -> Self:
        """This sender with the paths of its own profile and file read from the project's folder."""
        own = str(root / self.profile) if self.profile.endswith(".toml") else self.profile
        return self.model_copy(update={"profile": own, **_of(root, self.ca_file)})


class SmppSender(PacedSms):
    """A message centre reached over SMPP 3.4. Password: OUTREACH_SECRET_<SENDER> or *_FILE."""

    kind: Literal["smpp"]
    channel: Literal[Channel.SMS] = Channel.SMS
    part_price: PartPrice = 0.0
    address: str = Field(description="Number or name clients see as the sender.")
    host: str
    port: int = Field(2775, ge=1, le=65535)
    tls: bool = False
    ca_file: str | None = Field(None, description="PEM file to trust instead of the system's.")
    system_id: str = Field(max_length=15, description="Who we are to the centre.")
    system_type: str = Field("", max_length=12)
    sessions: Literal["apart", "together"] = Field(
        "apart", description="Send and listen in sessions of their own, or in transceivers."
    )
    unanswered: int = Field(10, ge=1, le=500, description="Messages on their way at once.")
    long: Literal["udh", "payload"] = Field(
        "udh", description="A long text goes in parts, or whole in message_payload."
    )
    alphabet: Literal["gsm", "ucs2"] = Field(
        "gsm", description="The centre's own; ucs2 where it is another than GSM 03.38."
    )
    numbers: Literal["e164", "national"] = Field(
        "e164", description="8613800138000, or 13800138000 for mainland numbers only."
    )
    ids: Literal["same", "hex_then_decimal", "decimal_then_hex"] = Field(
        "same", description="How message ids are written in responses, then in receipts."
    )
    source_ton: int | None = Field(None, ge=0, le=6, description="Else by the look of address.")
    source_npi: int = Field(1, ge=0, le=18)
    timeout: float = Field(10.0, gt=0, description="Seconds for one answer.")
    enquire_seconds: float = Field(30.0, gt=0, description="Of silence, until it is asked.")

    def at(self, root: Path) -> Self:
        """This sender with its file read from the project's folder."""
        return self.model_copy(update=_of(root, self.ca_file))


def _of(root: Path, ca_file: str | None) -> dict[str, str | None]:
    return {"ca_file": str(root / ca_file) if ca_file else None}


Sender = Annotated[
    FileSender
    | MemorySender
    | SmtpSender
    | TwilioSender
    | GatewaySender
    | SmppSender
    | WebhookSender
    | PluginSender,
    Field(discriminator="kind"),
]


class RouteRule(Written):
    """The first route whose channel and prefix match serves an address."""

    channel: Channel
    prefix: str = Field("", pattern=r"^(\+\d{1,7})?$", description="Phone prefix; empty = any.")
    sender: Name


class Hours(Written):
    opens: time
    closes: time


class Cap(Written):
    messages: int = Field(ge=1)
    days: int = Field(ge=1, le=366)


class Limits(Written):
    contact_hours: dict[Purpose, Hours] = Field(default_factory=dict)
    frequency: dict[Purpose, Cap] = Field(default_factory=dict)
    unknown_zones: tuple[str, ...] = Field(
        ("Asia/Shanghai",), description="Zones in which a client of unknown zone may live."
    )
    own_hours: bool = Field(
        False, description="Keep to the hours a client asked for, within contact hours."
    )


class Approval(Written):
    required_for: tuple[Purpose, ...] = tuple(Purpose)


class Engine(Written):
    mode: Literal["embedded", "workers"] = Field(
        "embedded", description="Who sends: whoever starts a run, or `outreach worker`s."
    )
    listen: bool = Field(
        True, description="Workers listen to PostgreSQL; false = they ask every second."
    )
    senders: int = Field(2, ge=1, le=16, description="Sender processes of a large run.")
    page: int = Field(2000, ge=100, le=10000, description="Candidates planned in one transaction.")
    window: int = Field(500, ge=1, le=2000, description="Messages in one sender's hands at once.")
    lease_seconds: int = Field(60, ge=10, le=3600)
    content_errors: int = Field(
        20, ge=1, description="Messages refused for their text after which a run is paused."
    )
    in_process_up_to: int = Field(20000, ge=0, description="Smaller runs need no sender process.")


class Import(Written):
    """How client files are read: further header names, defaults for what a file leaves out."""

    columns: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Client field = further header names."
    )
    default_country: str = Field("CN", pattern=r"^[A-Z]{2}$")
    default_locale: Locale = "zh-CN"
    default_zone: str | None = None


class Incidents(Written):
    """Telling clients of a failing service."""

    confirm_above: int = Field(
        500, ge=0, description="A step that goes to more clients is asked about, or needs --yes."
    )


class Feeds(Written):
    halts: HaltFeed = Field(default_factory=HaltFeed)


class FileDepartment(Written):
    """A department that reads files: one JSON line a case, or, in a folder, one file a case."""

    kind: Literal["file"]
    path: str = Field(min_length=1, description="FILE.jsonl, or a folder when it ends with /.")
    answer_within_days: int = Field(3, ge=1, le=60, description="Working days until it is late.")


class WebhookDepartment(Written):
    """A department with a system of its own. Secret: OUTREACH_SECRET_DEPARTMENT_<NAME>."""

    kind: Literal["webhook"]
    url: str = Field(description="https address that takes a POST (Standard Webhooks).")
    timeout: float = Field(10.0, gt=0, le=60, description="Seconds for one answer.")
    answer_within_days: int = Field(3, ge=1, le=60, description="Working days until it is late.")


Department = Annotated[FileDepartment | WebhookDepartment, Field(discriminator="kind")]


class Paths(Written):
    var: str = "var"
    campaigns: str = "campaigns"
    templates: str = "templates"


def limited_countries(config: "Config") -> dict[str, tuple[str, ...]]:
    """The phone prefixes that have a limit of their own, by sender."""
    return {
        name: tuple(sender.countries)
        for name, sender in config.senders.items()
        if isinstance(sender, PacedSms) and sender.countries
    }


class Config(Written):
    language: Literal["zh", "en"] = "zh"
    database: str = "sqlite:///var/outreach.db"
    firm: Firm
    senders: dict[Name, Sender] = Field(min_length=1)
    accounts: dict[str, Shared] = Field(
        default_factory=dict, description="Limits that the senders of one account share."
    )
    routes: tuple[RouteRule, ...] = Field(min_length=1)
    limits: Limits = Field(default_factory=Limits)
    approval: Approval = Field(default_factory=Approval)
    engine: Engine = Field(default_factory=Engine)
    clients: Import = Field(default_factory=Import)
    feeds: Feeds = Field(default_factory=Feeds)
    incidents: Incidents = Field(default_factory=Incidents)
    bounces: Bounces = Field(default_factory=Bounces)
    topics: tuple[Bilingual, ...] = Field(
        (), description="The topics clients may ask for; none = any word a file has."
    )
    departments: dict[Name, Department] = Field(
        default_factory=dict, description="Who is told of answers to surveys."
    )
    web: Web | None = Field(None, description="Where providers and clients reach the program.")
    paths: Paths = Field(default_factory=Paths)
