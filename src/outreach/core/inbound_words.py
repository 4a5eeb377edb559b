"""What clients write back besides an answer: opt-outs, complaints, requests for help.

After NFKC, trimming, case folding and stripping of closing punctuation. A word counts as the whole
message; inside a longer one it is a sign only, and the safe reading is taken.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final


class Word(StrEnum):
    """What a whole message amounts to."""

    OPT_OUT = "opt_out"
    OPT_OUT_REVIEW = "opt_out_review"  # meant so most likely: acted on, and somebody reads it
    OPT_IN = "opt_in"
    HELP = "help"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Single letters are what mainland gateways advertise (拒收请回复R, 回T退订).
OPT_OUT: Final = _set(
    "stop stopall stop-all unsubscribe cancel end quit revoke optout opt-out remove arret arrêt"
    " td t tdzd n d r qx 0000 退订 退訂 拒收 取消订阅 取消訂閱 取消 不要再发 别发了 停止 停止发送"
    " 请勿打扰 屏蔽"
) | {"stop all", "opt out"}
OPT_IN: Final = _set("start unstop 订阅 恢复 开通")
HELP: Final = _set("help info 帮助 bz")
SIGNS: Final = ("退订", "退訂", "骚扰", "别再发", "不要再发", "拒收", "unsubscribe", "stop")
COMPLAINTS: Final = ("投诉", "投訴", "举报", "12386", "12321", "complain")
_SHORT: Final = 30  # characters; a longer text tells something else
_END: Final = re.compile(r"[\s\W_]+$")
_START: Final = re.compile(r"^[\s\W_]+")
_LATIN: Final = re.compile(r"[a-z]+")


def plain(text: str) -> str:
    """A message as it is compared: half-width, folded, without padding and closing marks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _START.sub("", _END.sub("", folded))


def word(text: str) -> Word | None:
    """What a message as a whole says; None where it says something else, such as an answer."""
    said = plain(text)
    if said in OPT_OUT:
        return Word.OPT_OUT
    if said in OPT_IN:
        return Word.OPT_IN
    if said in HELP:
        return Word.HELP
    refused = wants_out(said) or (len(said) <= _SHORT and complains(said))
    return Word.OPT_OUT_REVIEW if refused else None


def wants_out(said: str) -> bool:
    """Whether a short text holds a word of refusal (`Please stop`, 请问怎么退订)."""
    said = plain(said)
    return len(said) <= _SHORT and any(_holds(said, sign) for sign in SIGNS)


def complains(text: str) -> bool:
    """Whether a text speaks of a complaint (投诉, 举报)."""
    said = plain(text)
    return any(sign in said for sign in COMPLAINTS)


def _holds(said: str, sign: str) -> bool:
    """A Latin sign counts as a whole word: `stopped` is none."""
    return sign in (_LATIN.findall(said) if sign.isascii() else said)
