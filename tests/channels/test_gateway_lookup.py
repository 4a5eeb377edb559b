"""Messages in doubt, asked about at a gateway that tells what it knows of one number and day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from outreach.channels import Asked
from outreach.channels.sms_gateway_http import SmsGatewayHttp, profile_of
from outreach.core.receipt import Receipt
from outreach.core.words import State
from tests.channels.gateway import ACCOUNT, SECRET, gateway

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
DETAIL = {
    "PhoneNum": "13800000041", "SendStatus": 3, "ErrCode": "DELIVERED", "OutId": "7-40-60",
    "ReceiveDate": "2026-09-28 16:00:00", "SendDate": "2026-09-28 15:59:58",
    "TemplateCode": "SMS_1", "Content": "【示例证券】国庆节休市安排。",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def found(
    *details: dict[str, Any], at: datetime = AT
) -> tuple[dict[int, Receipt | None], list[str]]:
    """What became of message 41, and the days it was asked about."""
    asked = Asked(41, 7, "+8613800000041", at, at + timedelta(minutes=20), b"")
    with gateway("aliyun") as server:
        server.pulls["QuerySendDetails"] = {
            "Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": list(details)},
        }  # fmt: skip
        opened = SmsGatewayHttp(
            profile_of("aliyun"), account=ACCOUNT, secret=SECRET, base_url=server.url
        )
        said = dict(opened.find([asked]))
        opened.close()
        return said, [one.query["SendDate"] for one in server.asked]


def test_an_entry_under_our_mark_says_what_became_of_the_message() -> None:
    said, days = found(DETAIL)

    assert said == {
        41: Receipt(
            State.DELIVERED, datetime(2026, 9, 28, 8, tzinfo=UTC), 41, address="+8613800000041",
            code="DELIVERED",
        )
    }  # fmt: skip
    assert days == ["20260928"]


@pytest.mark.parametrize(
    ("details", "state"),
    [
        ((), None),
        (({**DETAIL, "OutId": "7-1-40"},), None),
        (({**DETAIL, "OutId": "order 41"},), None),
        (({**DETAIL, "SendStatus": 1},), State.ACCEPTED),
        (({**DETAIL, "SendStatus": 2},), State.UNDELIVERED),
        ((DETAIL, {**DETAIL, "OutId": "6-1-9", "SendStatus": 2}), State.DELIVERED),
        ((DETAIL, {**DETAIL, "SendStatus": 2}), None),  # it contradicts itself
    ],
)
def test_what_is_not_certainly_the_message_proves_nothing(
    details: tuple[dict[str, Any], ...], state: State | None
) -> None:
    receipt = found(*details)[0][41]

    assert (receipt.state if receipt else None) == state


def test_about_midnight_in_beijing_both_days_are_asked_about() -> None:
    _, days = found(DETAIL, at=datetime(2026, 9, 28, 15, 50, tzinfo=UTC))

    assert days == ["20260928", "20260929"]


@pytest.mark.parametrize(("kind", "echo", "lookup"), [
    ("aliyun", True, True), ("tencent", False, False), ("direct", False, False),
])  # fmt: skip
def test_a_profile_says_what_its_gateway_can(kind: str, echo: bool, lookup: bool) -> None:
    profile = profile_of(kind)
    opened = SmsGatewayHttp(profile, account="a", secret="s", base_url="http://127.0.0.1:1")

    assert (opened.echo, opened.lookup, opened.idempotent) == (echo, lookup, False)
