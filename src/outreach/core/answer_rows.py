"""Rows of a file of inbound SMS: who wrote what, when. The text stays as it came, to the letter."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import Final, NamedTuple

from outreach.core import addresses
from outreach.core.cells import Bad, Fault
from outreach.core.consent_rows import moment

ALIASES: Final[dict[str, Sequence[str]]] = {
    "phone": [
        "手机号", "手机号码", "号码", "发送号码", "主叫号码", "上行号码", "mobile", "from", "src",
        "sender", "phone_number", "msisdn",
    ],
    "text": [
        "内容", "短信内容", "上行内容", "回复内容", "回复", "content", "message", "body", "reply",
    ],
    "received_at": [
        "时间", "接收时间", "上行时间", "回复时间", "收到时间", "received", "time", "at", "date",
        "receive_time",
    ],
}  # fmt: skip
REQUIRED: Final = ("phone", "text", "received_at")
MOST: Final = 2_000  # characters of a text, as many as an SMS can have


class Inbound(NamedTuple):
    """One message from a client."""

    phone: str  # E.164
    text: str
    received_at: datetime

    @property
    def identity(self) -> str:
        """The same for the same message handed in again."""
        at = self.received_at.timestamp()
        return sha256(f"sms\n{self.phone}\n{at:.0f}\n{self.text}".encode()).hexdigest()


def inbound(
    row: Mapping[str, str], raw: str, country: str, zone: tzinfo, now: datetime
) -> Inbound | Fault:
    """One row, or the field that is wrong and why. `raw` is the text's cell as it stands."""
    phone = addresses.phone(row["phone"], country)
    if isinstance(phone, Bad):
        return Fault("phone", phone)
    if phone.state != addresses.OK or phone.value is None:
        return Fault("phone", Bad("this is no mobile phone", "write it as +8613812345678"))
    if not raw.strip():
        return Fault("text", Bad("the text is empty", "remove the row"))
    if len(raw) > MOST:
        return Fault("text", Bad(f"the text has {len(raw)} characters", f"shorten it to {MOST:,}"))
    at = moment(row["received_at"], zone)
    if isinstance(at, Bad):
        return Fault("received_at", at)
    if at is None:
        return Fault("received_at", Bad("the moment is missing", "write when the text came in"))
    if at > now:
        return Fault("received_at", Bad("the moment is yet to come", "correct the moment"))
    return Inbound(phone.value, raw, at)
