"""Call-backs (回访): which rule asks for one, until when, and what is asked.

The rules are those of 证券经纪业务管理办法 (CSRC Order 204, in force since 2023-02-28) and of the
Securities Association's 实施细则 (June 2023), as the press reported them: a new account or a new
trading permission within 30 days, an account used abnormally within 2 trading days, and each year
at least a tenth of the clients there were at the end of the year before, those with dormant or
suspended accounts left out.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from typing import Final, Literal

from outreach.core.trading_calendar import TradingCalendar
from outreach.core.words import Sentence, Spoken

# The least share of the clients at the end of a year to be called back in the next one.
YEARLY_SHARE: Final = Fraction(1, 10)


class Rule(Spoken):
    """Why a client is to be called back."""

    NEW_ACCOUNT = "new_account", "a new account, within 30 days", "新开户，30日内"
    NEW_PERMISSION = (
        "new_permission", "a new trading permission, within 30 days", "新开通交易权限，30日内",
    )  # fmt: skip
    ABNORMAL = (
        "abnormal", "an account used abnormally, within 2 trading days",
        "账户使用异常，2个交易日内",
    )  # fmt: skip
    YEARLY = (
        "yearly", "drawn for the yearly tenth, within the year", "年度回访抽样，当年内",
    )  # fmt: skip


# By the word that is stored: the enum itself takes all its words when called.
RULES: Final = {rule.value: rule for rule in Rule}


@dataclass(frozen=True, slots=True)
class Term:
    """How long a rule gives, in days of one kind, the first day not counted."""

    count: int
    unit: Literal["days", "sessions"]


TERMS: Final[dict[Rule, Term]] = {
    Rule.NEW_ACCOUNT: Term(30, "days"),
    Rule.NEW_PERMISSION: Term(30, "days"),
    Rule.ABNORMAL: Term(2, "sessions"),
}


def deadline(rule: Rule, since: date, calendar: TradingCalendar) -> date:
    """The last day on which a call-back is in time: `since` is the day it became due and does not
    count itself. A term that ends on a holiday is not prolonged.

    Raises CalendarCoverageError where the trading days that decide are not known yet.
    """
    term = TERMS.get(rule)
    if term is None:
        return date(since.year, 12, 31)
    if term.unit == "days":
        return since + timedelta(days=term.count)
    day = since
    for _ in range(term.count):
        day = calendar.next_session(day)
    return day


# --- what came of a call ----------------------------------------------------------------------


class Result(StrEnum):
    """What came of one call. Only `reached` fulfils a rule."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"


class Means(StrEnum):
    """How the client was spoken to."""

    PHONE = "phone"
    VIDEO = "video"
    VISIT = "visit"
    ONLINE = "online"


# What every call-back asks, by the column it is kept in. Yes is the answer that gives no concern.
QUESTIONS: Final[dict[str, Sentence]] = {
    "identity": Sentence("the client's identity was checked", "客户身份已核实"),
    "own_will": Sentence("it was the client's own will", "系客户本人真实意愿"),
    "no_staff_trading": Sentence(
        "no member of staff traded for the client", "无员工代客户操作"
    ),
    "risk_disclosed": Sentence(
        "the risks were disclosed and understood", "已揭示风险且客户已知晓"
    ),
    "no_full_mandate": Sentence("there is no full mandate", "未约定全权委托"),
    "changes_confirmed": Sentence(
        "the client confirmed the account changes", "账户变更经客户确认"
    ),
}  # fmt: skip
# There may have been no change to confirm.
MAY_BE_UNASKED: Final = frozenset({"changes_confirmed"})


def answers_wrong(result: Result, answers: dict[str, bool | None]) -> Sentence | None:
    """Why these answers cannot stand with this result; None when they can."""
    if result is not Result.REACHED:
        if any(answer is not None for answer in answers.values()):
            return Sentence(
                "only a client who was reached has answered: leave the answers out",
                "仅已接通的回访可填写答复，请删除各项答复",
            )
        return None
    if answers.get("identity") is False:
        return Sentence(
            "somebody else answered: record it as not_reached",
            "接听人并非客户本人，请登记为 not_reached",
        )
    absent = [
        name for name in QUESTIONS if answers.get(name) is None and name not in MAY_BE_UNASKED
    ]
    if absent:
        names = ", ".join(absent)
        return Sentence(f"no answer to {names}: write yes or no", f"缺少答复：{names}，请填是或否")
    return None


# --- the yearly tenth -------------------------------------------------------------------------


def wanted(clients: int, share: Fraction = YEARLY_SHARE) -> int:
    """How many of so many clients make up at least this share."""
    return -(-clients * share.numerator // share.denominator)


def ticket(seed: str, client_no: str) -> bytes:
    """A client's place in the draw of a seed: those with the lowest tickets are drawn. Anybody with
    the seed and the client numbers can draw again, in whatever order the clients come."""
    return sha256(f"{seed}\x00{client_no}".encode()).digest()
