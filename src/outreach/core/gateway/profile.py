"""A gateway as its profile describes it: how it is asked, how it signs, what its codes mean."""

import tomllib
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from outreach.core.written import Written

# What a code of a gateway means for the messages it is said of.
Meaning = Literal[
    "accepted",  # taken: the gateway answers for it
    "refused",  # this message never goes: its number, or a variable of its own
    "content",  # its text may not be sent: others of its campaign say the same
    "opted_out",  # its number has told the gateway to stop: a withdrawal
    "later",  # this message was not taken; it may be tried again
    "waits",  # nothing of the request was taken, whoever is in it; it may be tried again
    "throttled",  # as `waits`, and the gateway wants less: nothing more of this window is begun
    "doubt",  # the gateway does not say whether it took it
    "stopped",  # our account, key or clock: the sender stops until a person has looked
]
ReceiptState = Literal["delivered", "undelivered", "waiting"]
Clock = Literal["epoch", "local"]  # seconds since 1970, or 2026-10-01 09:00:00 of Beijing


class Signing(Written):
    """How a request shows who sent it. The secret comes from the environment."""

    kind: Literal["acs3", "tc3", "md5", "hmac-sha256"]
    version: str = Field("", description="Of the API, for acs3 and tc3.")
    service: str = Field("", description="Of the credential scope, for tc3.")
    region: str = Field("", description="X-TC-Region, for tc3.")
    over: tuple[str, ...] = Field((), description="What md5 and hmac-sha256 are taken over.")
    field: str = Field("", description="The field that carries an md5 or hmac-sha256.")


class Call(Written):
    """One kind of request. Values may hold {name}, {name:json} and {name:comma}; a value that
    comes out empty is left out."""

    action: str = Field("", description="Name of the operation, for acs3 and tc3.")
    method: Literal["GET", "POST"] = "POST"
    path: str = Field("/", pattern=r"^/")
    query: dict[str, str | int] = Field(default_factory=dict)
    form: dict[str, str | int] = Field(default_factory=dict)
    body: dict[str, str | int] = Field(default_factory=dict, description="Sent as JSON.")


class Answer(Written):
    """Where an answer says what: dotted paths into its JSON."""

    code: str = Field(description="Code of the whole request.")
    words: str = ""
    reference: str = Field("", description="What the gateway calls the request.")
    items: str = Field("", description="List with an entry a number; without it, code is for all.")
    number: str = Field("", description="In an entry, like the following.")
    item_code: str = ""
    item_words: str = ""
    item_reference: str = ""


class Send(Call):
    batch: int = Field(1, ge=1, le=1000, description="The most numbers of one request.")
    alike: tuple[Literal["signature", "template", "variables", "text", "country"], ...] = Field(
        (), description="What all messages of one request must share."
    )
    answer: Answer


class ReceiptPlaces(Written):
    """Where an entry about a message says what."""

    items: str = Field("", description="Path of the list; empty: what comes is the list.")
    number: str
    country: str = Field("", description="Where the country's code stands apart from the number.")
    state: str
    states: dict[str, ReceiptState]
    reason: str = ""
    reference: str = ""
    mark: str = ""
    at: str = ""
    clock: Clock = "local"


class ReplyPlaces(Written):
    """Where an entry about a reply says what."""

    items: str = Field("", description="Path of the list; empty: what comes is the list.")
    number: str
    country: str = Field("", description="Where the country's code stands apart from the number.")
    text: str
    at: str = ""
    clock: Clock = "local"
    extend: str = ""


class Receipts(ReceiptPlaces, Call):
    """A request for receipts."""

    per: Literal["number", "account"] = Field(
        "account", description="Asked for one number and day, or for whatever is new."
    )
    code: str = Field(description="Path of the code of the whole answer.")
    words: str = ""


class Replies(ReplyPlaces, Call):
    """A request for replies."""

    code: str = Field(description="Path of the code of the whole answer.")
    words: str = ""


class Push(Written):
    """What the gateway posts to us by itself, as JSON, and what it wants to hear for it."""

    receipts: ReceiptPlaces | None = None
    replies: ReplyPlaces | None = None
    answer: dict[str, str | int] = Field(
        default_factory=dict, description="Said when it is on record; else it comes again."
    )


class Profile(Written):
    """A gateway. Facts of its public documentation; nothing of an account."""

    title: str
    endpoint: str = Field("", description="https address; empty: the sender names its own.")
    mode: Literal["template", "text"]
    signature: Literal["apart", "in_text"] = Field(
        "apart", description="Whether the gateway itself writes 【signature】 before the text."
    )
    signature_most: int = Field(12, ge=1, description="Characters of a signature.")
    text_most: int = Field(500, ge=1, description="Characters of a text with its signature.")
    links_in_variables: bool = True
    numbers: Literal["e164", "national"] = Field(
        "e164", description="+8613800138000, or 13800138000 for mainland numbers."
    )
    serves: tuple[str, ...] = Field((), description="Phone prefixes; empty: every country.")
    takes_securities: bool = Field(
        True, description="Whether it takes texts about shares and investment."
    )
    signing: Signing
    send: Send
    receipts: Receipts | None = None
    replies: Replies | None = None
    push: Push | None = None
    codes: dict[str, Meaning] = Field(description="A code, or how codes begin and then *.")

    @model_validator(mode="after")
    def _no_number_of_another_country(self) -> Self:
        # Without its +, 13105551234 of California is a mobile number of the mainland.
        if self.numbers == "national" and self.serves != ("+86",):
            raise ValueError('national numbers are of the mainland only, write serves = ["+86"]')
        return self

    def names(self, slot: str) -> bool:
        """Whether any field of any request is filled from this slot."""
        calls = (self.send, self.receipts, self.replies)
        fields = [one for call in calls if call for one in (call.query, call.form, call.body)]
        return any(f"{{{slot}" in str(value) for values in fields for value in values.values())

    @property
    def echoes(self) -> bool:
        """Whether whatever the gateway says later carries our mark: Tencent's pulls do, its pushes
        name a message by its own reference alone."""
        told = (self.receipts, self.push.receipts if self.push else None)
        marks = [bool(one.mark) for one in told if one is not None]
        return self.names("mark") and bool(marks) and all(marks)

    def meaning(self, code: str) -> Meaning | None:
        """What a code means; of several beginnings the longest counts. None for an unknown one."""
        if code in self.codes:
            return self.codes[code]
        fits = [key for key in self.codes if key.endswith("*") and code.startswith(key[:-1])]
        return self.codes[max(fits, key=len)] if fits else None


SHIPPED: Final = ("aliyun", "direct", "tencent")


def parse_profile(text: str) -> Profile:
    """A profile from its TOML. Raises ValueError (tomllib's or pydantic's) where it is none."""
    return Profile.model_validate(tomllib.loads(text))
