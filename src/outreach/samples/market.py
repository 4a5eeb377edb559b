"""Securities the synthetic clients hold, and the halts the demonstration speaks of.

Listed companies stand under their real codes, because a holder of a real halted security is what
the alert is about; which client holds what is invented. Codes with 99 in the middle are invented:
no listed security uses 6099xx, 3099xx or 9299xx.
"""

from typing import Final, NamedTuple


class Security(NamedTuple):
    symbol: str
    name: str
    market: str  # MIC: XSHG, XSHE; BJSE is the house name of the Beijing exchange
    weight: int


EXCHANGES: Final = {"XSHG": "上交所", "XSHE": "深交所", "BJSE": "北交所"}
SECURITIES: Final = (
    Security("600519", "贵州茅台", "XSHG", 30), Security("601318", "中国平安", "XSHG", 28),
    Security("600036", "招商银行", "XSHG", 26), Security("601398", "工商银行", "XSHG", 22),
    Security("600900", "长江电力", "XSHG", 20), Security("601899", "紫金矿业", "XSHG", 20),
    Security("600276", "恒瑞医药", "XSHG", 18), Security("601012", "隆基绿能", "XSHG", 16),
    Security("600030", "中信证券", "XSHG", 14), Security("601857", "中国石油", "XSHG", 14),
    Security("600887", "伊利股份", "XSHG", 12), Security("688981", "中芯国际", "XSHG", 10),
    Security("688111", "金山办公", "XSHG", 6), Security("601456", "国联证券", "XSHG", 3),
    Security("000858", "五粮液", "XSHE", 22), Security("000333", "美的集团", "XSHE", 20),
    Security("000001", "平安银行", "XSHE", 18), Security("002594", "比亚迪", "XSHE", 22),
    Security("000651", "格力电器", "XSHE", 16), Security("000725", "京东方A", "XSHE", 16),
    Security("002415", "海康威视", "XSHE", 12), Security("300750", "宁德时代", "XSHE", 24),
    Security("300059", "东方财富", "XSHE", 24), Security("300760", "迈瑞医疗", "XSHE", 8),
    Security("300096", "ST易联众", "XSHE", 6), Security("000016", "深康佳A", "XSHE", 8),
    Security("920002", "万达轴承", "BJSE", 2), Security("920019", "铜冠矿建", "BJSE", 2),
    Security("609901", "示例精工", "XSHG", 10), Security("309902", "示例生物", "XSHE", 8),
    Security("929903", "示例新材", "BJSE", 2),
)  # fmt: skip

HALT_COLUMNS: Final = (
    "halt_id", "market", "symbol", "name_zh", "name_en", "kind", "halt_at", "resume_at",
    "resume_status", "reason_code_raw", "reason_text_raw", "reason_family", "announcement_title",
    "announcement_url", "source", "version",
)  # fmt: skip

_SZSE = "szse-1798 (public record read 2026-09-27)"
_INVENTED = "synthetic, for demonstration only"

HALTS: Final = (
    (
        "XSHG-601456-20240426-1", "XSHG", "601456", "国联证券", "Guolian Securities", "continuous",
        "2024-04-26T09:30:00+08:00", "2024-05-15T09:30:00+08:00", "confirmed", "连续停牌",
        "拟筹划重大资产重组", "重大资产重组", "", "", "eastmoney (public record)", "1",
    ),
    (
        "XSHE-000016-20260904-1", "XSHE", "000016", "深康佳A", "Konka Group A", "continuous",
        "2026-09-04T09:30:00+08:00", "", "none", "停牌", "重大事项", "重大事项", "", "", _SZSE, "1",
    ),
    (
        "XSHE-300096-20260924-1", "XSHE", "300096", "ST易联众", "YLZ Information Technology",
        "full_day", "2026-09-24T09:30:00+08:00", "2026-09-28T09:30:00+08:00", "planned", "1天",
        "撤销其他风险警示", "撤销/实施退市风险警示", "", "", _SZSE, "1",
    ),
    (
        "XSHG-609901-20260928-1", "XSHG", "609901", "示例精工", "Sample Precision", "continuous",
        "2026-09-28T09:30:00+08:00", "", "none", "停牌", "拟筹划重大资产重组", "重大资产重组",
        "示例精工关于筹划重大资产重组的停牌公告(演示数据)", "", _INVENTED, "1",
    ),
    (
        "XSHE-309902-20260928-1", "XSHE", "309902", "示例生物", "Sample Biotech", "full_day",
        "2026-09-28T09:30:00+08:00", "2026-09-29T09:30:00+08:00", "planned", "1天",
        "刊登重要公告", "刊登重要公告", "示例生物重大事项停牌公告(演示数据)", "", _INVENTED, "1",
    ),
    (
        "BJSE-929903-20260928-1", "BJSE", "929903", "示例新材", "Sample Materials", "intraday",
        "2026-09-28T13:00:00+08:00", "2026-09-29T09:30:00+08:00", "planned", "停牌",
        "交易异常波动", "交易异常波动", "示例新材交易异常波动公告(演示数据)", "", _INVENTED, "1",
    ),
)  # fmt: skip
