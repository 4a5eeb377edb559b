"""A segment says itself in one sentence, in both languages."""

from datetime import date
from typing import Any

import pytest

from outreach.core.segment import Segment, describe


@pytest.mark.parametrize(
    ("where", "en", "zh"),
    [
        (
            {"field": "average_daily_assets", "at_least": 6_000_000},
            "Clients for whom the average daily assets are at least 6,000,000 yuan.",
            "满足以下条件的客户：日均资产不低于6,000,000元。",
        ),
        (
            {"field": "cash", "below": 99.5},
            "Clients for whom the cash balance is below 99.50 yuan.",
            "满足以下条件的客户：资金余额低于99.50元。",
        ),
        (
            {"field": "status", "in": ["normal", "frozen"]},
            "Clients for whom the account status is one of normal, frozen.",
            "满足以下条件的客户：账户状态为“正常”、“冻结”之一。",
        ),
        (
            {"field": "opened_on", "days_since": {"at_most": 30}},
            "Clients for whom the account opening date lies at most 30 days back.",
            "满足以下条件的客户：开户日期距今不超过30天。",
        ),
        (
            {"field": "document_expires_on", "days_until": {"at_least": 1, "at_most": 60}},
            "Clients for whom the identity document expiry lies 1 to 60 days ahead.",
            "满足以下条件的客户：距证件有效期还有1至60天。",
        ),
        (
            {"field": "opened_on", "on": date(2026, 3, 2)},
            "Clients for whom the account opening date is 2026-03-02.",
            "满足以下条件的客户：开户日期为2026-03-02。",
        ),
        (
            {"field": "professional", "is": False},
            "Clients for whom \"professional investor\" is not marked.",
            "满足以下条件的客户：未标记“专业投资者”。",
        ),
        (
            {"field": "permissions", "contains": "期权"},
            "Clients for whom the trading permissions include 期权.",
            "满足以下条件的客户：开通权限包含期权。",
        ),
        (
            {"field": "last_trade_on", "is_set": False},
            "Clients for whom the last trade date is not on record.",
            "满足以下条件的客户：无最近交易日期记录。",
        ),
        (
            {"any": [
                {"list_file": "lists/a.txt"},
                {"all": [{"holds_halted": True}, {"field": "risk_level", "is": 5}]},
            ]},
            "Clients for whom the client number is in lists/a.txt or (a security whose "
            "halt the occurrence tells of is held or watched and the risk level (1 to 5) is 5).",
            "满足以下条件的客户：客户号在名单 lists/a.txt 中，"
            "或（持有或关注本次停复牌的证券，且风险等级(1至5)为5）。",
        ),
        (
            {"not": {"any": [{"field": "cash", "is": 0}, {"field": "risk_level", "above": 3}]}},
            "Clients for whom not (the cash balance is 0 yuan or the risk level (1 to 5) is "
            "above 3).",
            "满足以下条件的客户：不满足（资金余额为0元，或风险等级(1至5)高于3）。",
        ),
    ],
)  # fmt: skip
def test_a_segment_says_itself(where: dict[str, Any], en: str, zh: str) -> None:
    segment = Segment.model_validate({"name": {"zh": "客户", "en": "Clients"}, "where": where})

    assert describe(segment, "en") == en
    assert describe(segment, "zh") == zh
