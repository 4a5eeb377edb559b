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


# What mainland gateways advertise (拒收请回复R, 回T退订); elsewhere they are answers like others.
LETTERS: Final = _set("t n d r 0000")
OPT_OUT: Final = (
    _set(
        "stop stopall stop-all unsubscribe cancel end quit revoke optout opt-out remove arret arrêt"
        " td tdzd qx 退订 退訂 拒收 取消订阅 取消訂閱 取消 不要再发 别发了 停止 停止发送"
        " 请勿打扰 屏蔽"
    )
    | LETTERS
    | {"stop all", "opt out"}
)
OPT_IN: Final = _set("start unstop 订阅 恢复 开通")
HELP: Final = _set("help info 帮助 bz")
SIGNS: Final = (
    "退订", "退訂", "骚扰", "騷擾", "别再发", "不要再发", "拒收", "取消订阅", "取消訂閱",
    "停止发送", "勿扰", "unsubscribe", "stop",
)  # fmt: skip
COMPLAINTS: Final = ("投诉", "投訴", "举报", "舉報", "12386", "12321", "complain")
_SHORT: Final = 30  # characters; a longer text tells something else
_END: Final = re.compile(r"[\s\W_]+$")
_START: Final = re.compile(r"^[\s\W_]+")
_LATIN: Final = re.compile(r"[a-z]+")
_HAN_GAP: Final = re.compile(r"(?<=[\u4e00-\u9fff])\s+(?=[\u4e00-\u9fff])")  # 退 订
# Copied with its invitation: 回复TD, 回T.
_INVITED: Final = re.compile(r"回复?\s*(?:td|t|r|n|d|qx)")


def plain(text: str) -> str:
    """A message as it is compared: half-width, folded, without padding, closing marks, signs that
    are not seen, and gaps between Chinese characters."""
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    folded = _HAN_GAP.sub("", unicodedata.normalize("NFKC", seen).casefold())
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
    refused = refused or bool(_INVITED.fullmatch(said))
    return Word.OPT_OUT_REVIEW if refused else None


def wants_out(said: str) -> bool:
    """Whether a short text holds a word of refusal (`Please stop`, 请问怎么退订)."""
    return len(plain(said)) <= _SHORT and holds_sign(said)


def holds_sign(text: str) -> bool:
    """Whether a text of any length holds a word of refusal."""
    said = plain(text)
    return any(_holds(said, sign) for sign in SIGNS)


def complains(text: str) -> bool:
    """Whether a text speaks of a complaint (投诉, 举报)."""
    said = plain(text)
    return any(sign in said for sign in COMPLAINTS)


def _holds(said: str, sign: str) -> bool:
    """A Latin sign counts as a whole word: `stopped` is none."""
    return sign in (_LATIN.findall(said) if sign.isascii() else said)
