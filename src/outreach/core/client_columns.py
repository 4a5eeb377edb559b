"""The header names a client file may use, Chinese and English, for every client field."""

# ruff: noqa: E501 (Chinese counts double; one field a line reads better)

from collections.abc import Mapping, Sequence
from typing import Final

from outreach.core.client import CLIENT_FIELDS
from outreach.core.headers import Aliases, Matched, alias_index
from outreach.core.headers import match_headers as _match

_NAMES: Final[dict[str, str]] = {
    "client_no": "客户号 客户编号 客户代码 客户ID 客户帐号 客户账号 一户通号 client_id clientno client_number"
    " client_code customer_no customer_id customer_number",
    "name": "姓名 客户姓名 客户名称 名称 户名 full_name client_name customer_name",
    "kind": "客户类型 客户类别 账户类型 client_type client_kind customer_type",
    "status": "账户状态 客户状态 帐户状态 资金账户状态 状态 account_status client_status",
    "legal_hold": "法律限制 司法冻结 司法限制 hold",
    "account_no": "资金账号 资金账户 资金帐号 资金帐户 资产账户 account account_number fund_account",
    "phone": "手机号 手机号码 手机 移动电话 联系手机 联系电话 电话 电话号码 mobile mobile_phone"
    " mobile_no phone_number telephone cell",
    "email": "邮箱 电子邮箱 电子邮件 邮件 邮箱地址 电邮 Email地址 email_address mail e-mail_address",
    "country": "居住地 国籍/居住地 国籍居住地 居住国 居住国家 国家 国家地区 国家/地区 居住国家/地区 country_of_residence"
    " residence region",
    "locale": "语言 首选语言 沟通语言 language preferred_language lang",
    "zone": "时区 所在时区 time_zone timezone tz",
    "branch": "营业部 分支机构 开户营业部 所属营业部 营业部名称 分公司 branch_office branch_name",
    "adviser": "客户经理 服务人员 投资顾问 理财经理 开发人员 advisor relationship_manager rm account_manager",
    "opened_on": "开户日期 开户日 开户时间 open_date opening_date opened account_open_date",
    "reactivated_on": "激活日期 休眠激活日期 重新激活日期 reactivation_date",
    "document_expires_on": "证件有效期 证件到期日 证件到期日期 证件有效期至 证件截止日期 身份证到期日 证件有效截止日期"
    " document_expiry id_expiry id_expiry_date",
    "risk_level": "风险等级 风险承受能力 风险承受等级 风险承受能力等级 风险测评等级 客户风险等级 风险级别 risk risk_rating"
    " risk_tolerance",
    "lowest_tolerance": "最低风险承受能力 风险承受能力最低类别 最低类别 是否最低类别 lowest_risk_tolerance",
    "assessed_on": "测评日期 风险测评日期 评估日期 风险评估日期 assessment_date",
    "assessment_expires_on": "测评到期日 测评到期日期 风险测评到期日 测评有效期 测评有效期至 风险测评有效期"
    " assessment_expiry assessment_expiry_date",
    "professional": "专业投资者 投资者类别 投资者类型 投资者分类 是否专业投资者 investor_class investor_type"
    " professional_investor",
    "total_assets": "总资产 资产总额 资产总值 账户总资产 assets total_asset",
    "average_daily_assets": "日均资产 日均总资产 平均资产 average_assets avg_daily_assets avg_assets",
    "assets_window_days": "日均统计天数 统计天数 日均天数 window_days average_days",
    "assets_as_of": "资产截止日 资产日期 资产截止日期 统计日期 数据日期 as_of as_of_date assets_date",
    "cash": "资金余额 可用资金 现金 可用余额 cash_balance balance",
    "holdings_value": "持仓市值 证券市值 市值 持仓总市值 market_value position_value",
    "last_trade_on": "最近交易日期 最近交易日 最后交易日期 最近一次交易日期 末次交易日期 last_trade last_trade_date",
    "permissions": "开通权限 交易权限 业务权限 已开通权限 trading_permissions",
    "topics": "关注主题 兴趣主题 关注领域 interests",
}  # fmt: skip

# What a client file may say about consent; these become consent events, not client fields.
CONSENT_ALIASES: Final[dict[str, Sequence[str]]] = {
    "sms_consent": [
        "短信同意",
        "同意短信",
        "短信授权",
        "短信营销同意",
        "sms_opt_in",
        "sms_marketing_consent",
    ],
    "email_consent": [
        "邮件同意",
        "邮箱同意",
        "同意邮件",
        "邮件授权",
        "电子邮件同意",
        "email_opt_in",
        "email_marketing_consent",
    ],
    "sms_opted_out": [
        "退订标志",
        "短信退订",
        "短信退订标志",
        "是否退订",
        "退订",
        "sms_opt_out",
        "opt_out",
        "unsubscribed",
    ],
    "email_opted_out": ["邮件退订", "邮件退订标志", "email_opt_out", "email_unsubscribed"],
}

CLIENT_ALIASES: Final[dict[str, Sequence[str]]] = {
    name: (field.words.en, field.words.zh, *_NAMES.get(name, "").split())
    for name, field in CLIENT_FIELDS.items()
    if field.imported
}

REQUIRED: Final = ("client_no", "name")


def client_index(extra: Aliases | None = None) -> Mapping[str, str]:
    """Header key -> client field, consent column; `extra` comes from config.toml."""
    return alias_index({**CLIENT_ALIASES, **CONSENT_ALIASES}, extra)


def match_headers(headers: Sequence[str], extra: Aliases | None = None) -> Matched:
    """Read a client file's header: fields found, headers left over, required ones missing."""
    return _match(headers, client_index(extra), REQUIRED)
