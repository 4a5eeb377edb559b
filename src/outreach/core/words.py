"""The vocabulary: every state, reason and purpose, once, with its sentence and its remedy."""

from enum import StrEnum
from typing import Final, NamedTuple, Self


class Sentence(NamedTuple):
    """One statement in both house languages."""

    en: str
    zh: str

    def in_(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


class Spoken(StrEnum):
    """A word that is stored and said: each member has its sentence in both languages."""

    sentence: Sentence

    def __new__(cls, value: str, en: str, zh: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = Sentence(en, zh)
        return member


class Purpose(Spoken):
    """Why a client is written to. The purpose decides which gates apply (`core.policy`)."""

    REGULATORY = "regulatory", "a notice the firm must give", "监管要求的告知"
    SERVICE = "service", "a notice about the service in use", "服务通知"
    EDUCATION = "education", "investor education", "投资者教育"
    SURVEY = "survey", "a satisfaction survey", "满意度调查"
    MARKETING = "marketing", "marketing", "营销推广"


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"
    PUSH = "push"  # a notification of the firm's own app


class State(StrEnum):
    """The state of a message, derived from its facts; `open` states still need work or a person."""

    sentence: Sentence
    final: bool

    def __new__(cls, value: str, final: bool, en: str, zh: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.final = final
        member.sentence = Sentence(en, zh)
        return member

    READY = "ready", False, "waits for a sender", "待发送"
    HELD = "held", False, "waits until its hour comes", "暂缓至可发送时段"
    SENDING = "sending", False, "is in a sender's hands now", "发送中"
    ACCEPTED = "accepted", True, "was taken by the channel", "通道已接收"
    DELIVERED = "delivered", True, "reached the client's device or mailbox", "已送达"
    UNDELIVERED = "undelivered", True, "was taken and then could not be delivered", "未送达"
    FAILED = "failed", True, "was refused for good", "发送失败"
    IN_DOUBT = "in_doubt", False, "may or may not have gone out; not sent again", "存疑，不自动重发"
    EXPIRED = "expired", True, "came too late to be of use", "已过期"
    CANCELLED = "cancelled", True, "was cancelled by a person", "已取消"
    SUPPRESSED = "suppressed", True, "was stopped by a rule", "已拦截"


class Reason(StrEnum):
    """Why a candidate or a message was held or suppressed, and what a person can do about it."""

    sentence: Sentence
    remedy: Sentence

    def __new__(cls, value: str, en: str, zh: str, remedy_en: str, remedy_zh: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = Sentence(en, zh)
        member.remedy = Sentence(remedy_en, remedy_zh)
        return member

    CLIENT_CLOSED = (
        "client_closed",
        "the account is closed or its holder deceased",
        "账户已销户或客户已故",
        "nothing to do; correct the client book if the status is wrong",
        "无需处理；状态有误请更正客户资料",
    )
    LEGAL_HOLD = (
        "legal_hold",
        "the client is under a legal hold",
        "客户处于法律限制状态",
        "ask the legal department; lift the hold in the client book",
        "请联系法务部门，在客户资料中解除",
    )
    REGULATOR_LIST = (
        "regulator_list",
        "the address is on a regulator's or do-not-contact list",
        "号码或邮箱在监管或禁止联系名单中",
        "nothing to do; the list is binding",
        "无需处理，名单具有约束力",
    )
    ADDRESS_MISSING = (
        "address_missing",
        "no address is known for this channel",
        "该渠道没有联系方式",
        "complete the client's contact data",
        "请补充客户联系方式",
    )
    ADDRESS_INVALID = (
        "address_invalid",
        "the address cannot be written to",
        "联系方式无效",
        "correct the address in the client book",
        "请更正客户联系方式",
    )
    HARD_BOUNCE = (
        "hard_bounce",
        "an earlier message came back: the address does not exist",
        "此前退信：地址不存在",
        "ask the client for a new address",
        "请向客户核实新的联系方式",
    )
    SOFT_BOUNCES = (
        "soft_bounces",
        "messages came back on several days lately; the address rests for a while",
        "近期多日退信，地址暂停使用",
        "nothing to do, or ask the client; outreach blocks lift ADDRESS --why REASON",
        "可等待恢复或联系客户核实；outreach blocks lift 地址 --why 原因",
    )
    GLOBAL_OBJECTION = (
        "global_objection",
        "the client objected to every message that is not required by law",
        "客户拒绝一切非必要信息",
        "nothing to do; only the client can lift it",
        "无需处理，仅客户本人可撤销",
    )
    CHANNEL_OPT_OUT = (
        "channel_opt_out",
        "the client opted out of this channel",
        "客户已退订该渠道",
        "nothing to do; only the client can lift it",
        "无需处理，仅客户本人可恢复",
    )
    PURPOSE_OPT_OUT = (
        "purpose_opt_out",
        "the client opted out of messages of this purpose",
        "客户已退订此类信息",
        "nothing to do; only the client can lift it",
        "无需处理，仅客户本人可恢复",
    )
    CONSENT_MISSING = (
        "consent_missing",
        "no consent is on record",
        "没有同意记录",
        "obtain consent and import it with its proof",
        "请取得客户同意并导入凭证",
    )
    CONSENT_EXPIRED = (
        "consent_expired",
        "the consent has run out",
        "同意已过有效期",
        "obtain consent again",
        "请重新取得客户同意",
    )
    SUITABILITY_EXCEEDED = (
        "suitability_exceeded",
        "the product's risk is above what the client may be offered",
        "产品风险等级高于客户承受能力",
        "nothing to do; do not promote this product to the client",
        "无需处理，不得向该客户主动推介",
    )
    ASSESSMENT_MISSING = (
        "assessment_missing",
        "the client has no risk assessment",
        "客户没有风险测评",
        "invite the client to a risk assessment",
        "请邀请客户完成风险测评",
    )
    ASSESSMENT_EXPIRED = (
        "assessment_expired",
        "the client's risk assessment has run out",
        "客户风险测评已过期",
        "invite the client to a new risk assessment",
        "请邀请客户重新测评",
    )
    FREQUENCY_CAP = (
        "frequency_cap",
        "the client has had as many messages as the cap allows",
        "已达发送频次上限",
        "wait until the window has passed",
        "请等待频次窗口结束",
    )
    DUPLICATE_ADDRESS = (
        "duplicate_address",
        "another candidate of this run has the same address",
        "同一批次中该地址已有其他收件人",
        "nothing to do; check whether both clients are one person",
        "无需处理；请核实是否同一客户",
    )
    PROVIDER_FORBIDS = (
        "provider_forbids_content_in_country",
        "the provider does not carry this content to the country",
        "服务商不允许向该国家或地区发送此类内容",
        "route the country to another sender in config.toml",
        "请在 config.toml 中为该国家配置其他通道",
    )
    NO_ROUTE = (
        "no_route",
        "no sender is configured for this address",
        "没有可用的发送通道",
        "add a route for the country in config.toml",
        "请在 config.toml 中添加路由",
    )
    SUPERSEDED = (
        "superseded",
        "a newer notice took its place",
        "已被更新的通知取代",
        "nothing to do",
        "无需处理",
    )
    STALE = (
        "stale",
        "the event it speaks of is over",
        "所涉事项已结束",
        "nothing to do",
        "无需处理",
    )
    HALT_FEED_STALE = (
        "halt_feed_stale",
        "the halt feed is too old to rely on",
        "停复牌数据过旧",
        "import a current halts file",
        "请导入最新停复牌数据",
    )
    QUIET_HOURS = (
        "quiet_hours",
        "it is outside contact hours where the client is",
        "当前不在客户当地的可联系时段",
        "nothing to do; it goes out at the next opening",
        "无需处理，将在下一时段发出",
    )
    RENDER_ERROR = (
        "render_error",
        "the text could not be rendered for this client",
        "模板渲染失败",
        "correct the template or the client's data, then run again",
        "请修正模板或客户资料后重新执行",
    )
    SMS_TOO_LONG = (
        "sms_too_long",
        "the rendered text needs more SMS parts than the template allows",
        "短信超过允许的条数",
        "shorten the text or raise max_sms_parts in template.toml",
        "请缩短文本或提高 template.toml 的 max_sms_parts",
    )
    NOT_APPROVED = (
        "not_approved",
        "nobody has approved this text and campaign",
        "活动与文本尚未审批",
        "outreach approve CAMPAIGN --as USER",
        "outreach approve 活动 --as 审批人",
    )
    CANCELLED = (
        "cancelled",
        "a person cancelled the run",
        "已被人工取消",
        "nothing to do",
        "无需处理",
    )


# By the code that is stored: the enums themselves take all their words when called.
class Missed(Spoken):
    """Why an occurrence was never sent: what the row of a missed occurrence says."""

    LATE = "late", "no scheduler ran until it was too late", "调度未及时运行，已超过允许的延迟"
    OVERTAKEN = "overtaken", "a later firing had come before it started", "启动前已到下一次触发时间"
    STALE = "stale", "what it tells was over before it could start", "可启动时通知事项已结束"
    CALENDAR = "calendar", "the trading calendar did not reach it in time", "交易日历未及时覆盖"
    PROVISIONAL = (
        "provisional", "the calendar data were provisional until it was too late",
        "允许的延迟内日历数据仍为暂定",
    )  # fmt: skip
    NOT_APPROVED = "not_approved", "nobody had approved it in time", "未在允许的延迟内完成审批"
    NOTHING_DUE = "nothing_due", "nothing was due at its moment", "到时没有应发的期次"
    NOT_DUE = "not_due", "its occurrence was not due yet", "期次尚未到可发送时间"


STATES: Final = {state.value: state for state in State}
REASONS: Final = {reason.value: reason for reason in Reason}
MISSED: Final = {reason.value: reason for reason in Missed}
