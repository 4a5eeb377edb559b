"""Holdings and consent events of the sample clients."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from outreach.samples.bad_rows import FAULTS
from outreach.samples.columns import client_no
from outreach.samples.draw import Draws, Numbers
from outreach.samples.market import EXCHANGES, SECURITIES

HOLDING_COLUMNS: Final = ("客户号", "证券代码", "证券名称", "市场", "数量")
CONSENT_COLUMNS: Final = (
    "客户号", "渠道", "用途", "动作", "来源", "凭证编号", "话术版本", "发生时间", "有效期至",
)  # fmt: skip
_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
_FAULTY: Final = frozenset(fault.row for fault in FAULTS)
_ASKED: Final = date(2022, 3, 1)
_MOST: Final = 6  # securities one client holds
_BY_WEIGHT: Final = tuple(s for security in SECURITIES for s in (security,) * security.weight)


class Holder(NamedTuple):
    """What events need to know of a client."""

    row: int
    client_no: str
    status: str
    holds: bool
    opened_on: date
    sms: bool
    email: bool


def holders(columns: dict[str, list[str]], first: int) -> list[Holder]:
    """What the columns of a client file say about its clients, the first of them in row `first`."""
    wanted = ("账户状态", "持仓市值(元)", "开户日期", "短信同意", "邮件同意")
    rows = zip(*(columns[name] for name in wanted), strict=True)
    return [
        Holder(
            row,
            client_no(row),
            status,
            value != "0.00",
            date(int(opened[:4]), int(opened[4:6]), int(opened[6:])),
            sms == "是",
            email == "是",
        )
        for row, (status, value, opened, sms, email) in enumerate(rows, start=first)
    ]


def holding_rows(seed: int, holders: list[Holder]) -> Iterator[tuple[str, ...]]:
    """One to six securities for every client whose holdings have a value, in round lots."""
    rows: Numbers = np.array([holder.row for holder in holders], dtype=np.int64)
    draws = Draws(seed, rows)
    count = (1 + draws.below("securities", _MOST)).tolist()
    which = [draws.below(f"security {n}", len(_BY_WEIGHT)).tolist() for n in range(_MOST)]
    lots = [draws.below(f"lots {n}", 40).tolist() for n in range(_MOST)]
    for index, holder in enumerate(holders):
        if not holder.holds or holder.row in _FAULTY:
            continue
        held: dict[str, tuple[str, ...]] = {}
        for n in range(count[index]):
            security = _BY_WEIGHT[which[n][index]]
            quantity = str(100 * (1 + lots[n][index]))
            held[security.symbol] = (
                holder.client_no, security.symbol, security.name, EXCHANGES[security.market],
                quantity,
            )  # fmt: skip
        yield from held.values()


def consent_rows(seed: int, holders: list[Holder]) -> Iterator[tuple[str, ...]]:
    """Grants of the clients who said yes, then what some of them did about it later.

    A share opts out by reply or one click, a few object to everything, a batch import after an
    opt-out pretends to grant again (it must not), and some grants have run out.
    """
    rows: Numbers = np.array([holder.row for holder in holders], dtype=np.int64)
    draws = Draws(seed, rows)
    fate = draws.below("fate", 1000).tolist()
    minute = draws.below("minute", 600).tolist()
    for index, holder in enumerate(holders):
        if holder.row in _FAULTY or holder.status in ("销户", "身故"):
            continue
        yield from _grants(holder, fate[index], minute[index])
        yield from _second_thoughts(holder, fate[index], minute[index])


def _grants(holder: Holder, fate: int, minute: int) -> Iterator[tuple[str, ...]]:
    # Older clients were asked for the first time in 2022, for a term; since 2024 without one.
    asked_on = max(holder.opened_on, _ASKED + timedelta(days=holder.row * 37 % 600))
    asked = _at(asked_on, minute)
    recent = asked.year >= 2024
    until = "" if recent else f"{asked.year + 5}-12-31"
    until = "2026-06-30" if fate < 30 and asked.year < 2026 else until
    source = "开户协议" if asked_on == holder.opened_on else "手机APP"
    for channel, said_yes in (("短信", holder.sms), ("邮件", holder.email)):
        if said_yes:
            proof = f"{'KH' if source == '开户协议' else 'APP'}{holder.row:07d}"
            wording = "MKT-2024-02" if recent else "MKT-2022-01"
            yield _event(holder, channel, "营销推广", "同意", source, proof, wording, asked, until)


def _second_thoughts(holder: Holder, fate: int, minute: int) -> Iterator[tuple[str, ...]]:
    row = holder.row
    if holder.sms and 30 <= fate < 70:
        left = _at(date(2026, 3, 2), minute)
        yield _event(holder, "短信", "", "退订", "短信回复", f"MO{row:09d}", "", left)
        if fate < 45:
            batch, proof = _at(date(2026, 7, 1), 0), f"PL20260701-{row}"
            yield _event(
                holder, "短信", "营销推广", "同意", "批量导入", proof, "MKT-2024-02", batch
            )
        elif fate < 50:
            again, proof = _at(date(2026, 8, 3), minute), f"MO{row:09d}S"
            yield _event(holder, "短信", "", "同意", "短信回复", proof, "MKT-2024-02", again)
    if holder.email and 70 <= fate < 100:
        left = _at(date(2026, 5, 6), minute)
        yield _event(holder, "邮件", "营销推广", "退订", "一键退订", f"OC{row}", "", left)
    if 100 <= fate < 108:
        left = _at(date(2026, 6, 10), minute)
        yield _event(holder, "", "投资者教育", "退订", "网站", f"WEB{row:07d}", "", left)
    if (holder.sms or holder.email) and 108 <= fate < 120:
        # The yearly call back: recorded evidence of a grant, not another one.
        asked, proof = _at(date(2026, 8, 19), minute), f"REC20260819-{row}"
        channel = "短信" if holder.sms else "邮件"
        yield _event(holder, channel, "营销推广", "确认", "电话录音", proof, "", asked)
    if fate >= 994:
        left = _at(date(2026, 4, 8), minute)
        yield _event(holder, "", "", "反对", "员工", f"TS{row:06d}", "", left)


def _at(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(9), _SHANGHAI) + timedelta(minutes=minute)


def _event(
    holder: Holder,
    channel: str,
    purpose: str,
    action: str,
    source: str,
    reference: str,
    wording: str,
    at: datetime,
    until: str = "",
) -> tuple[str, ...]:
    return (
        holder.client_no, channel, purpose, action, source, reference, wording,
        f"{at:%Y-%m-%d %H:%M:%S}", until,
    )  # fmt: skip
