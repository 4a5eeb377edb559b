"""One spelling for the symbols of American securities, which every feed spells in its own way.

The spelling kept is that of the Nasdaq symbol directory with a hyphen for its dollar sign: BRK.B,
BKSY.W (a warrant; NYSE writes BKSY WS), BAC-L (a preferred share; BAC PRL, BAC$L, BACpL).
"""

import re
from typing import Final

from outreach.core.cells import Bad

# What stands behind the root, however it is set apart, and how it is kept.
_SUFFIXES: Final = {
    "WS": ".W", "WT": ".W", "W": ".W", "U": ".U", "UN": ".U", "UT": ".U", "R": ".R", "RT": ".R",
}  # fmt: skip
_SIGNS: Final = {"+": ".W", "=": ".U", "^": ".R"}
_PREFERRED: Final = re.compile(r"([A-Z]{1,5})(?:[ .]PR[ .]?|-|\$|p)([A-Z]?)")
_SPLIT: Final = re.compile(r"([A-Z]{1,6})[ ./]([A-Z]{1,3})(?:[ .]([A-Z]))?")
_PLAIN: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}")

# Exchange as Nasdaq and NYSE write it, in lower case without spaces -> MIC.
_EXCHANGES: Final[dict[str, str]] = {
    **dict.fromkeys(("nasdaq", "q", "xnas"), "XNAS"),
    **dict.fromkeys(("nyse", "n", "xnys", "newyorkstockexchange"), "XNYS"),
    **dict.fromkeys(("nyseamerican", "nysemkt", "amex", "a", "xase"), "XASE"),
    **dict.fromkeys(("nysearca", "arca", "p", "arcx"), "ARCX"),
    **dict.fromkeys(("bats", "cboe", "cboebzx", "batsbzx", "bzx", "z"), "BATS"),
}


def symbol(written: str) -> str | Bad:
    """The symbol in the kept spelling."""
    text = " ".join(written.split())
    if found := _PREFERRED.fullmatch(text):
        return f"{found[1]}-{found[2]}" if found[2] else f"{found[1]}-"
    text = text.upper()
    if text[-1:] in _SIGNS and _PLAIN.fullmatch(text[:-1]):
        return text[:-1] + _SIGNS[text[-1]]
    if found := _SPLIT.fullmatch(text):
        series = f".{found[3]}" if found[3] else ""
        return found[1] + _SUFFIXES.get(found[2], f".{found[2]}") + series
    return text if _PLAIN.fullmatch(text) else Bad("this is no symbol", "write it as BRK.B")


def market(written: str) -> str | Bad:
    """The MIC of an exchange as the feeds name it."""
    mic = _EXCHANGES.get("".join(written.split()).casefold())
    wrong = "the market is missing" if not written else "the market is not known"
    return mic or Bad(wrong, "the row is left out; enter the halt by hand if it matters")
