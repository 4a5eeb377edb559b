"""What an incident may be said to touch, and the wording that is ready for a clerk in a hurry.

A name stands for a sentence in both languages, so a status or a way round that is chosen by name
needs no translation at the very moment when nobody has time for one.
"""

from typing import Final

from outreach.core.incident import Said
from outreach.core.words import Sentence


def _names(*rows: tuple[str, str, str]) -> dict[str, Sentence]:
    return {name: Sentence(en, zh) for name, en, zh in rows}


# What a client would call it. The order is that in which a text lists them.
FUNCTIONS: Final = _names(
    ("all", "trading services", "交易服务"),
    ("login", "login", "登录"),
    ("orders", "order entry", "委托下单"),
    ("cancels", "order cancellation", "撤单"),
    ("reports", "order and trade reports", "委托与成交查询"),
    ("positions", "balances and positions", "资金与持仓查询"),
    ("quotes", "quotes", "行情"),
    ("bank-transfer", "bank transfers", "银证转账"),
    ("margin", "margin trading", "融资融券"),
    ("stock-connect", "Stock Connect trading", "港股通交易"),
    ("ipo", "IPO subscription", "新股申购"),
    ("funds", "fund orders", "基金业务"),
    ("account-opening", "account opening", "开户"),
    ("app", "mobile app", "手机App"),
    ("desktop", "desktop client", "电脑客户端"),
    ("web", "website", "网上营业厅"),
    ("phone-orders", "telephone orders", "电话委托"),
    ("hotline", "service hotline", "客服热线"),
)

STATUSES: Final[dict[str, Said]] = {
    "working": Said("相关人员正在处理", "We are working to restore it"),
    "unavailable": Said("暂时无法使用，正在处理", "Not available for now; we are working on it"),
    "slow": Said("可以使用，但响应较慢", "Available, but slower than usual"),
    "partly-back": Said("部分功能已恢复，其余正在处理", "Partly back; work on the rest goes on"),
    "watching": Said("功能已恢复，正在观察运行情况", "Working again; we are keeping watch on it"),
    "back": Said("已恢复正常", "Working normally again"),
}

WORKAROUNDS: Final[dict[str, Said]] = {
    "phone": Said("急需委托或撤单的，可使用电话委托", "Urgent orders can be placed by telephone"),
    "app": Said("可使用手机App", "The mobile app can be used"),
    "desktop": Said("可使用电脑客户端", "The desktop client can be used"),
    "web": Said("可使用网上营业厅", "The website can be used"),
    "branch": Said("可到营业部柜台办理", "Your branch can help at the counter"),
}


def functions_in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    """Known names once each, in the order in which texts list them. KeyError for another name."""
    places = {name: at for at, name in enumerate(FUNCTIONS)}
    return tuple(sorted(set(names), key=places.__getitem__))


def listed(names: tuple[str, ...], locale: str) -> str:
    """The functions as a text says them: `登录、委托下单` or `login and order entry`."""
    words = [FUNCTIONS[name].in_(locale) for name in names]
    if locale.startswith("zh"):
        return "、".join(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)


MOST_FUNCTIONS: Final = 6  # in one text; beyond that `all` says it shorter


def longest_functions() -> tuple[str, ...]:
    """As many functions as a text may list, those with the longest words."""
    by_length = sorted(FUNCTIONS, key=lambda name: len("".join(FUNCTIONS[name])), reverse=True)
    return functions_in_order(tuple(by_length[:MOST_FUNCTIONS]))
