"""A segment said in one sentence, with its values and units, for clerks and auditors."""

from datetime import date
from typing import Final

from outreach.core.client import CLIENT_FIELDS
from outreach.core.segment.condition import (
    All,
    AnyOf,
    Condition,
    HoldsHalted,
    Listed,
    Not,
    Question,
    Span,
)
from outreach.core.segment.written import Segment
from outreach.core.words import Sentence

CHOICES: Final = {
    "person": Sentence("person", "个人"),
    "institution": Sentence("institution", "机构"),
    "product": Sentence("product", "产品"),
    "normal": Sentence("normal", "正常"),
    "dormant": Sentence("dormant", "休眠"),
    "defective": Sentence("defective", "不合格"),
    "frozen": Sentence("frozen", "冻结"),
    "closed": Sentence("closed", "销户"),
    "deceased": Sentence("deceased", "已故"),
    "sms": Sentence("SMS", "短信"),
    "email": Sentence("e-mail", "电子邮件"),
    "push": Sentence("app notifications", "App 推送"),
}
_UNITS: Final = {
    "days": Sentence("days", "天"),
    "months": Sentence("months", "个月"),
    "years": Sentence("years", "年"),
}
_PHRASES: Final = {
    "is": Sentence("{field} is {value}", "{field}为{value}"),
    "in": Sentence("{field} is one of {value}", "{field}为{value}之一"),
    "at_least": Sentence("{field} is at least {value}", "{field}不低于{value}"),
    "at_most": Sentence("{field} is at most {value}", "{field}不高于{value}"),
    "above": Sentence("{field} is above {value}", "{field}高于{value}"),
    "below": Sentence("{field} is below {value}", "{field}低于{value}"),
    "before": Sentence("{field} is before {value}", "{field}早于{value}"),
    "after": Sentence("{field} is after {value}", "{field}晚于{value}"),
    "on": Sentence("{field} is {value}", "{field}为{value}"),
    "since": Sentence("{field} lies {value} back", "{field}距今{value}"),
    "until": Sentence("{field} lies {value} ahead", "距{field}还有{value}"),
    "contains": Sentence("{field} include {value}", "{field}包含{value}"),
}
_PLURAL: Final = frozenset(
    {"total_assets", "average_daily_assets", "assets_window_days", "permissions", "topics"}
)
_SET: Final = Sentence("{field} is on record", "有{field}记录")
_NOT_SET: Final = Sentence("{field} is not on record", "无{field}记录")
_YES: Final = Sentence("{field} is marked", "已标记{field}")
_NO: Final = Sentence("{field} is not marked", "未标记{field}")


def describe(segment: Segment, language: str) -> str:
    """Who belongs to a segment, as a sentence in `zh` or `en`."""
    said = _said(segment.condition, language, top=True)
    return f"满足以下条件的客户：{said}。" if _zh(language) else f"Clients for whom {said}."


def _zh(language: str) -> bool:
    return language.startswith("zh")


def _said(condition: Condition, language: str, top: bool = False) -> str:
    match condition:
        case All(parts) | AnyOf(parts):
            word = Sentence(" and ", "，且") if isinstance(condition, All) else _OR
            said = word.in_(language).join(_said(part, language) for part in parts)
            return said if top or len(parts) == 1 else _bracketed(said, language)
        case Not(part):
            said = _said(part, language, top=True)
            return f"不满足（{said}）" if _zh(language) else f"not ({said})"
        case Listed(file):
            return f"客户号在名单 {file} 中" if _zh(language) else f"the client number is in {file}"
        case HoldsHalted():
            return _HALTED.in_(language)
        case Question():
            return _asked(condition, language)


_OR: Final = Sentence(" or ", "，或")
_HALTED: Final = Sentence(
    "a security whose halt the occurrence tells of is held or watched",
    "持有或关注本次停复牌的证券",
)


def _bracketed(said: str, language: str) -> str:
    return f"（{said}）" if _zh(language) else f"({said})"


def _asked(question: Question, language: str) -> str:
    field = CLIENT_FIELDS[question.field]
    # The amount itself carries the unit.
    name = field.words.in_(language).removesuffix(" (CNY)").removesuffix("(元)")
    if question.operator == "is_set":
        phrase = _SET if question.value else _NOT_SET
    elif field.type == "bool":
        phrase = _YES if question.value else _NO
    else:
        phrase = _PHRASES[question.operator]
    if question.field in _PLURAL:
        phrase = phrase._replace(en=phrase.en.replace("} is ", "} are "))
    shown = _shown(field.type, question.value, language)
    if field.type == "bool":
        name = f"“{name}”" if _zh(language) else f'"{name}"'
    elif not _zh(language):
        name = f"the {name}"
    return phrase.in_(language).format(field=name, value=shown)


def _shown(type_: str, value: object, language: str) -> str:
    match value:
        case tuple():
            separator = "、" if _zh(language) else ", "
            return separator.join(_shown(type_, one, language) for one in value)
        case Span():
            return _span(value, language)
        case date():
            return value.isoformat()
        case int() if type_ == "money":
            yuan, fen = divmod(value, 100)
            amount = f"{yuan:,}" + (f".{fen:02}" if fen else "")
            return f"{amount}元" if _zh(language) else f"{amount} yuan"
        case str() if value in CHOICES and type_ == "choice":
            return f"“{CHOICES[value].zh}”" if _zh(language) else CHOICES[value].en
        case _:
            return str(value)


def _span(span: Span, language: str) -> str:
    unit = _UNITS[span.unit].in_(language)
    low, high = span.at_least, span.at_most
    if low is not None and high is not None:
        return f"{low}至{high}{unit}" if _zh(language) else f"{low} to {high} {unit}"
    if low is not None:
        return f"至少{low}{unit}" if _zh(language) else f"at least {low} {unit}"
    return f"不超过{high}{unit}" if _zh(language) else f"at most {high} {unit}"
