"""What a clerk writes: campaigns, templates and the occurrences they fire on, as frozen models."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from outreach.core.words import Channel, Purpose


class Written(BaseModel):
    """Base of everything read from a TOML file: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bilingual(Written):
    """A text in Chinese and English."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


class BilingualList(Written):
    """A list in Chinese and English, such as the headings of articles."""

    zh: list[str] = Field(min_length=1)
    en: list[str] = Field(min_length=1)

    def in_(self, language: str) -> list[str]:
        return self.zh if language.startswith("zh") else self.en


Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
Risk = Annotated[str, Field(pattern=r"^R[1-5]$", description="Product risk level, R1 to R5.")]
RiskOrNone = Annotated[str, Field(pattern=r"^(R[1-5]|none)$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]


class OnClosure(Written):
    """Fires for the market's next closure of several days. Key: MARKET-YYYY-MM-DD (first day)."""

    kind: Literal["closure"]
    market: str = "CN_A"
    within_days: int = Field(14, ge=1, le=60, description="How far ahead a closure may begin.")


class OnHalt(Written):
    """Fires for the securities halted on one trading day. Key: YYYY-MM-DD of that day."""

    kind: Literal["halt"]
    markets: tuple[str, ...] = ("XSHG", "XSHE", "BJSE")
    calendar: str = "CN_A"
    max_age_hours: int = Field(24, ge=1, description="Older halt data defers the alerts.")


class OnDay(Written):
    """Fires when it is asked for, at most once a day. Key: YYYY-MM-DD in the firm's zone."""

    kind: Literal["day"]
    expires_after_hours: int = Field(72, ge=1)


OccurrenceRule = Annotated[OnClosure | OnHalt | OnDay, Field(discriminator="kind")]
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
    enabled: bool = True
    values: dict[str, Value | Bilingual | BilingualList] = Field(
        default_factory=dict, description="Values the texts use beside those of client and firm."
    )


class Template(Written):
    """template.toml of a folder in templates/, beside <channel>.<locale>.<part>.j2 files."""

    name: Bilingual
    fallback: Locale = "zh-CN"
    max_sms_parts: int = Field(2, ge=1, le=10)
    securities_content: bool = Field(True, description="Speaks of securities or finance.")


EMAIL_PARTS = ("subject", "text", "html")
SMS_PARTS = ("text",)
PARTS: dict[Channel, tuple[str, ...]] = {Channel.SMS: SMS_PARTS, Channel.EMAIL: EMAIL_PARTS}
