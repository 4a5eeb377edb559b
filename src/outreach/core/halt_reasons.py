"""Why trading is halted, in the words of the exchanges: families of reasons and kinds of halts.

Texts of mainland exchanges are free, so the first phrase that occurs decides. A code or text that
is not listed keeps its raw form and gets no family: nothing is guessed.
"""

from typing import Final, NamedTuple

# Announcement phrase -> family, the more particular phrase first.
_PHRASES: Final = (
    ("重大资产重组", "重大资产重组"),
    ("盘中临时停牌", "盘中临时停牌"),
    ("盘中成交价", "盘中临时停牌"),
    ("异常波动", "交易异常波动"),
    ("退市风险警示", "撤销/实施退市风险警示"),
    ("其他风险警示", "撤销/实施退市风险警示"),
    ("其它风险警示", "撤销/实施退市风险警示"),
    ("未按期披露", "未按期披露定期报告"),
    ("未披露定期报告", "未按期披露定期报告"),
    ("澄清", "澄清公告"),
    ("股东大会", "召开股东大会"),
    ("股东会", "召开股东大会"),
    ("重要公告", "刊登重要公告"),
    ("重大事项", "重大事项"),
)


class Reason(NamedTuple):
    """What a code of the Nasdaq legend means: its text, its family, and the kind of halt."""

    text: str
    family: str
    kind: str = "intraday"


_NEWS, _REGULATORY, _VOLATILITY = "news pending", "regulatory concern", "volatility pause"
_ORDERLY, _MARKET, _NEW = "extraordinary activity", "market-wide halt", "new issue"
_OPERATIONS = "operations"

CODES: Final[dict[str, Reason]] = {
    "T1": Reason("News pending", _NEWS),
    "T2": Reason("News released", _NEWS),
    "T3": Reason("News released, resumption times given", _NEWS),
    "T5": Reason("Single stock trading pause", _VOLATILITY, "volatility"),
    "T6": Reason("Extraordinary market activity", _ORDERLY),
    "T7": Reason("Quotation only, still paused", _VOLATILITY, "quote_only"),
    "T8": Reason("Exchange traded fund", "exchange traded fund"),
    "T12": Reason("Additional information requested", _REGULATORY),
    "H4": Reason("Non-compliance", _REGULATORY, "continuous"),
    "H9": Reason("Filings not current", _REGULATORY, "continuous"),
    "H10": Reason("SEC trading suspension", _REGULATORY, "continuous"),
    "H11": Reason("Regulatory concern", _REGULATORY, "continuous"),
    "O1": Reason("Operations halt", _OPERATIONS),
    "LUDP": Reason("Volatility trading pause", _VOLATILITY, "volatility"),
    "LUDS": Reason("Volatility trading pause, straddle", _VOLATILITY, "volatility"),
    "M": Reason("Volatility trading pause", _VOLATILITY, "volatility"),
    **{
        f"MWC{level}": Reason(f"Market-wide circuit breaker, level {level}", _MARKET, "market_wide")
        for level in range(4)
    },
    "MWCQ": Reason("Market-wide circuit breaker resumption", _MARKET, "market_wide"),
    "IPO1": Reason("New issue not yet trading", _NEW),
    "IPOQ": Reason("New issue released for quotation", _NEW, "quote_only"),
    "IPOE": Reason("New issue, positioning window extended", _NEW),
    "M1": Reason("Corporate action", "corporate action"),
    "M2": Reason("Quotation not available", _OPERATIONS),
    "R1": Reason("New issue available", _NEW),
    "R2": Reason("Issue available", _NEW),
    "R4": Reason("Qualifications issues resolved", _REGULATORY),
    "R9": Reason("Filing requirements satisfied", _REGULATORY),
    "C3": Reason("Issuer news not forthcoming", _NEWS),
    "C4": Reason("Qualifications halt ended", _REGULATORY),
    "C9": Reason("Qualifications halt concluded", _REGULATORY),
    "C11": Reason("Halt concluded by another regulator", _REGULATORY),
}
DELETED: Final = "D"  # the halt is struck out

# What NYSE writes in words.
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "news pending": (_NEWS, "intraday"),
    "news dissemination": (_NEWS, "intraday"),
    "news released": (_NEWS, "intraday"),
    "luld pause": (_VOLATILITY, "volatility"),
    "luld": (_VOLATILITY, "volatility"),
    "volatility trading pause": (_VOLATILITY, "volatility"),
    "regulatory concern": (_REGULATORY, "continuous"),
    "additional information requested": (_REGULATORY, "intraday"),
    "non-compliance": (_REGULATORY, "continuous"),
    "filings not current": (_REGULATORY, "continuous"),
    "sec suspension": (_REGULATORY, "continuous"),
    "corporate action": ("corporate action", "intraday"),
    "ipo not yet trading": (_NEW, "intraday"),
    "extraordinary market activity": (_ORDERLY, "intraday"),
    "market wide circuit breaker": (_MARKET, "market_wide"),
}


def family_of(text: str | None) -> str | None:
    """The family of a mainland announcement's reason; None when no phrase of it is known."""
    return next((family for phrase, family in _PHRASES if phrase in (text or "")), None)


def family_of_words(text: str) -> tuple[str | None, str]:
    """Family and kind of a reason NYSE states in words; no family when the words are not known."""
    return _WORDS.get(" ".join(text.casefold().split()), (None, "intraday"))
