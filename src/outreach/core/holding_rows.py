"""Rows of a holdings file: who holds how much of which security."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from outreach.core import cells
from outreach.core.cell_text import half_width
from outreach.core.cells import Bad, Fault

ALIASES: Final = {
    "client_no": [
        "客户号",
        "客户编号",
        "客户代码",
        "客户账号",
        "client_id",
        "client_number",
        "customer_no",
    ],
    "symbol": [
        "证券代码",
        "股票代码",
        "代码",
        "标的代码",
        "code",
        "security_code",
        "ticker",
        "stock_code",
    ],
    "market": ["市场", "交易所", "交易市场", "市场代码", "exchange", "mic"],
    "quantity": [
        "数量",
        "持仓数量",
        "股份余额",
        "证券数量",
        "持股数量",
        "当前数量",
        "shares",
        "qty",
        "position",
    ],
    "name": ["证券名称", "股票名称", "名称", "证券简称", "security_name"],
}
REQUIRED: Final = ("client_no", "symbol", "quantity")

MARKETS: Final[dict[str, str]] = {
    word: mic
    for mic, words in {
        "XSHG": "xshg sh sse ss 上海 沪 上交所 沪a 沪市 沪a股 上海证券交易所 上证 1",
        "XSHE": "xshe sz szse 深圳 深 深交所 深a 深市 深a股 深圳证券交易所 深证 0",
        "BJSE": "bjse bj bse 北京 北交所 京 京市 北京证券交易所 2",
        "XHKG": "xhkg hk hkex 香港 港股 港 港交所 港股通 联交所",
        "XNAS": "xnas nasdaq 纳斯达克",
        "XNYS": "xnys nyse 纽交所 纽约",
        "XASE": "xase amex nyseamerican",
        "ARCX": "arcx arca nysearca",
        "BATS": "bats cboe",
        "XLON": "xlon lse 伦敦",
    }.items()
    for word in words.split()
}
_DIGITS: Final = {"XSHG": 6, "XSHE": 6, "BJSE": 6, "XHKG": 5}
# Shares by the ranges the mainland exchanges gave themselves; no other one of them uses these.
# Shenzhen's 000 is left out: Shanghai numbers its indexes so.
_SHARES: Final = {
    "XSHG": re.compile(r"6(?:0|8)\d{4}"),
    "XSHE": re.compile(r"00[1-3]\d{3}|30\d{4}"),
    "BJSE": re.compile(r"(?:92|83|87|43)\d{4}"),
}
_SYMBOL: Final = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,15}")
_SUFFIXED: Final = re.compile(r"(\w+)\.(SH|SS|SZ|BJ|HK)")


UNKNOWN_CLIENT: Final = Bad(
    "no client has this number", "import the client first, or correct the number"
)


class Security(NamedTuple):
    market: str  # MIC
    symbol: str


def security(symbol: str, market: str) -> Security | Bad:
    """A security by symbol and market. A mainland code alone tells its exchange; leading zeros a
    spreadsheet took are put back, since these codes have a fixed length."""
    symbol = half_width(symbol).upper().replace(" ", "")
    word = half_width(market).casefold()
    if cells.DESTROYED.fullmatch(symbol):
        return Bad("a spreadsheet destroyed this code", "export the column as text")
    if found := _SUFFIXED.fullmatch(symbol):
        suffix = found[2].casefold()
        if word and MARKETS.get(word, word) != MARKETS[suffix]:
            wrong = f"the code ends in .{found[2]}, and the market beside it is {market}"
            return Bad(wrong, "correct one of the two: the same code is two securities")
        symbol, word = found[1], suffix
    mic = MARKETS.get(word) if word else _mainland(symbol)
    if mic is None:
        wrong = "the market is not known" if word else "no market is given for this code"
        return Bad(wrong, "write the market as XSHG, XSHE, BJSE or another MIC")
    if symbol.isdigit() and mic in _DIGITS:
        symbol = symbol.zfill(_DIGITS[mic])
    own = next((mic for mic, shares in _SHARES.items() if shares.fullmatch(symbol)), mic)
    if mic in _SHARES and own != mic:
        wrong = f"{symbol} is a share of {own}, and its market is given as {market or mic}"
        return Bad(wrong, "correct one of the two: the same code is two securities")
    if not _SYMBOL.fullmatch(symbol):
        return Bad("this is no security code", "write the exchange's code, such as 600000")
    return Security(mic, symbol)


def _mainland(symbol: str) -> str | None:
    if not re.fullmatch(r"\d{6}", symbol):
        return None
    if symbol.startswith(("92", "4", "8")):
        return "BJSE"
    if symbol.startswith(("5", "6", "9", "11", "13")):
        return "XSHG"
    return "XSHE" if symbol.startswith(("0", "1", "2", "3")) else None


def quantity(cell: str) -> int | Bad:
    """A whole number of shares, not negative."""
    value = cells.whole(cell, most=10**15)
    if isinstance(value, Bad):
        return value
    if value is None or value < 0:
        return Bad("there is no such quantity", "write the number of shares, 0 or more")
    return value


def watched(row: Mapping[str, str], ids: Mapping[str, int]) -> tuple[str, str, int, int] | Fault:
    """Like `held`, of a security that is watched: its quantity is 1, whatever the row says."""
    return held({**row, "quantity": "1"}, ids)


def held(row: Mapping[str, str], ids: Mapping[str, int]) -> tuple[str, str, int, int] | Fault:
    """(market, symbol, client, quantity) of one row, or the field that is wrong and why."""
    client = ids.get(half_width(row["client_no"]))
    if client is None:
        return Fault("client_no", UNKNOWN_CLIENT)
    of = security(row["symbol"], row.get("market", ""))
    if isinstance(of, Bad):
        return Fault("symbol", of)
    amount = quantity(row["quantity"])
    return Fault("quantity", amount) if isinstance(amount, Bad) else (*of, client, amount)
