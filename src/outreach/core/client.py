"""The client record: every field the client book may fill, once, with its type and its words.

Import, segments, templates and explain all read this table, so a new field is one line here, one
column in the store and one migration.
"""

from dataclasses import dataclass
from typing import Final, Literal

from outreach.core.words import Channel, Sentence

Type = Literal["text", "choice", "date", "money", "int", "bool", "list", "phone", "email"]


@dataclass(frozen=True, slots=True)
class Field:
    """One client field. `money` is stored as whole fen (0.01 CNY) and written in yuan."""

    name: str
    type: Type
    words: Sentence
    choices: tuple[str, ...] = ()
    segment: bool = True  # may a segment ask for it
    imported: bool = True  # may a client file fill it; preferences have files of their own


def _field(
    name: str,
    type_: Type,
    en: str,
    zh: str,
    *choices: str,
    segment: bool = True,
    imported: bool = True,
) -> tuple[str, Field]:
    return name, Field(name, type_, Sentence(en, zh), choices, segment, imported)


def _preference(
    name: str, type_: Type, en: str, zh: str, *choices: str, segment: bool = True
) -> tuple[str, Field]:
    return _field(name, type_, en, zh, *choices, segment=segment, imported=False)


CLIENT_FIELDS: Final[dict[str, Field]] = dict(
    (
        _field("client_no", "text", "client number", "客户号"),
        _field("name", "text", "name", "姓名", segment=False),
        _field("kind", "choice", "client kind", "客户类型", "person", "institution", "product"),
        _field(
            "status",
            "choice",
            "account status",
            "账户状态",
            "normal",
            "dormant",
            "defective",
            "frozen",
            "closed",
            "deceased",
        ),
        _field("legal_hold", "bool", "legal hold", "法律限制"),
        _field("account_no", "text", "account number", "资金账号", segment=False),
        _field("phone", "phone", "mobile phone", "手机号", segment=False),
        _field("email", "email", "e-mail", "电子邮箱", segment=False),
        _field("country", "text", "country of residence", "居住地"),
        _field("locale", "text", "language", "语言"),
        _field("zone", "text", "time zone", "时区"),
        _field("branch", "text", "branch", "营业部"),
        _field("adviser", "text", "adviser", "客户经理"),
        _field("opened_on", "date", "account opening date", "开户日期"),
        _field("reactivated_on", "date", "reactivation date", "激活日期"),
        _field("document_expires_on", "date", "identity document expiry", "证件有效期"),
        _field("risk_level", "int", "risk level (1 to 5)", "风险等级(1至5)"),
        _field("lowest_tolerance", "bool", "lowest risk tolerance", "风险承受能力最低类别"),
        _field("assessed_on", "date", "risk assessment date", "测评日期"),
        _field("assessment_expires_on", "date", "risk assessment expiry", "测评到期日"),
        _field("professional", "bool", "professional investor", "专业投资者"),
        _field("total_assets", "money", "total assets (CNY)", "总资产(元)"),
        _field("average_daily_assets", "money", "average daily assets (CNY)", "日均资产(元)"),
        _field("assets_window_days", "int", "days averaged over", "日均统计天数"),
        _field("assets_as_of", "date", "as-of date of the assets", "资产截止日"),
        _field("cash", "money", "cash balance (CNY)", "资金余额(元)"),
        _field("holdings_value", "money", "value of holdings (CNY)", "持仓市值(元)"),
        _field("last_trade_on", "date", "last trade date", "最近交易日期"),
        _field("permissions", "list", "trading permissions", "开通权限"),
        _field("topics", "list", "topics of interest", "关注主题"),
        # What the client asked of us (`core.preference_rows`).
        _preference("salutation", "text", "salutation", "称谓", segment=False),
        _preference("preferred_channel", "choice", "preferred channel", "首选渠道", *Channel),
        _preference(
            "wanted_risk",
            "int",
            "highest product risk the client wants (1 to 5)",
            "意向产品风险上限(1至5)",
        ),
        _preference("own_hours", "text", "contact hours asked for", "指定联系时段", segment=False),
    )
)
