"""Rows of every covered table, as a page of a run or an import would add them."""

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, Table

from outreach.store import audit, tables
from outreach.store.audit import Entry, cover
from outreach.store.database import append

AT = datetime(2026, 9, 28, 7, 30, 0, 250_000, tzinfo=UTC)
SHANGHAI = timezone(timedelta(hours=8))

Rows = list[tuple[Any, ...]]


def names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


def pages(n: int = 5) -> list[tuple[Table, Rows]]:
    """A page of `n` rows for each covered table, the checkpoints apart."""
    ids = range(1, n + 1)
    local = AT.astimezone(SHANGHAI)
    run = (
        "closure-notice", "CN_A-2026-10-01", "service", "planning", "c" * 64, "s" * 64, "t" * 64,
        "p" * 64, None, b"{}", local, "wang.l", None, None, 0, 0, None, None, None,
    )  # fmt: skip
    return [
        (tables.frozen, [(f"{i:064d}", "template", "closure", b"{}", AT) for i in ids]),
        (tables.approval, [(i, f"c-{i}", "d" * 64, "approve", "li.m", local, "") for i in ids]),
        (tables.run, [(i, run[0], f"{run[1]}-{i}", *run[2:]) for i in ids]),
        (tables.decision, [(3, i, "allow", None, None, b'["ok"]') for i in ids]),
        (tables.message, [
            (i, 3, i, "sms", 1, f"+861381234{i:04d}", "zh-CN", '["张三"]'.encode(), 1, b"d" * 32)
            for i in ids
        ]),
        (tables.outcome, [(7, i, "accepted", "", "", f"SM{i}", b"h" * 32, AT) for i in ids]),
        (tables.consent_event, [
            (i, i, "sms", "marketing", "withdraw", "sms_reply", None, "w1", local, AT, "gateway",
             None, None)
            for i in ids
        ]),
        (tables.holding, [(1, "XSHG", f"60000{i}", i, 100 * i) for i in ids]),
        (tables.halt, [
            (f"XSHG-60000{i}", 1, "XSHG", f"60000{i}", "示例股份", "", "full_day", AT, None, "none",
             None, None, None, "公告", None, "sse", AT, 1)
            for i in ids
        ]),
        (tables.halt_source, [
            (f"XSHG-60000{i}", 1, 1, "US0378331005", AT, AT.date(), None, f"{i}" * 64) for i in ids
        ]),
        (tables.halt_alert, [(f"XSHG-60000{i}", 1, "halted", AT, 1) for i in ids]),
        (tables.halt_told, [
            (i, "suspension-alert", f"XSHG-60000{i}", 1, "halted", "told", 3, AT) for i in ids
        ]),
        (tables.watching, [(2, "XSHG", f"60000{i}", i) for i in ids]),
        (tables.preference_event, [(i, i, b'{"wanted_risk":2}', "client", AT, local, "li.m", 4)
                                   for i in ids]),
        (tables.survey_answer, [
            (i, 3, i, i, "answer", 5, "很好", "A5", AT, local, "sms", "gateway", f"{i:064d}", 4)
            for i in ids
        ]),
        (tables.follow_up, [(i, i, "complaints", "score <= 2", local) for i in ids]),
        (tables.follow_up_step, [(i, i, "forwarded", "outreach", "", local) for i in ids]),
        (tables.incident, [
            (f"INC-2026-{i:04}", "active-clients", b"{}", local, "li.m") for i in ids
        ]),
        (tables.incident_step, [
            ("INC-2026-0001", i, "update", ",login,", AT, "登录较慢", "Slow", "", "", local, None,
             False, "incident-notice", local, "li.m")
            for i in ids
        ]),
        (tables.market_level, [
            (i, "CSI300", local, 38_800_000 - i, 40_000_000, "沪深300", "CSI 300", 5) for i in ids
        ]),
        (tables.margin_ratio, [(6, i, 12_900 + i, 15_000, 13_000, local) for i in ids]),
        (tables.margin_event, [(6, "close", i, "below", None) for i in ids]),
        (tables.doubt_step, [
            (i, 1, 3, "propose", "went", b"[1,2]", "the provider lists it", "li.m", local)
            for i in ids
        ]),
        (tables.raw_event, [
            (i, "twilio:main", "status", bytes([i]) * 32, b'{"path":"/1"}', local) for i in ids
        ]),
        (tables.event_aside, [(i, "unknown_message", "no message 9", local) for i in ids]),
        (tables.receipt, [
            (i, i, i, 3, "delivered", "", "", f"SM{i}", AT, local) for i in ids
        ]),
        (tables.bounce, [
            (i, i, bytes([i]) * 32, i, 3, f"user{i}@example.com", "soft", True, True, "4.2.2",
             "over quota", local, AT)
            for i in ids
        ]),
        (tables.block_step, [
            (i, "email", f"user{i}@example.com", "hard_bounce", "block", "5.1.1", f"bounce {i}",
             None, "outreach", local)
            for i in ids
        ]),
        (tables.reply, [
            (i, i, bytes([i]) * 32, "sms", "+12025550100", f"+861381234{i:04d}", "TD", "opt_out",
             "withdrawn", 1, True, AT, local)
            for i in ids
        ]),
        (tables.reply_step, [(i, i, "seen", "li.m", "called back", local) for i in ids]),
        (tables.call_back, [
            (i, i, "abnormal", AT.date(), "对敲", None, 1, local, "wang.l") for i in ids
        ]),
        (tables.call_back_result, [
            (i, i, "abnormal", local, AT.date(), "zhou.q", "phone", "reached", True, True, False,
             True, True, True, "REC-1", None, None, local, "wang.l")
            for i in ids
        ]),
        (tables.call_back_base, [
            (i, 2026, local, 900, 40, 30, 20, 10, local, "wang.l") for i in ids
        ]),
        (tables.call_back_base_client, [(1, i, "静安") for i in ids]),
        (tables.call_back_draw, [
            (i, 2026, "0.12", "s", 1, 900, 3, 0, 105, local, "wang.l") for i in ids
        ]),
        (tables.calendar_override, [
            (i, i, "propose", "HK", AT.date(), "half", None, time(12), "台风", "typhoon", "T8",
             "HKEX", "li.m", local)
            for i in ids
        ]),
    ]  # fmt: skip


def stand(tx: Connection, n: int = 5) -> None:
    """What may change, as it follows from these pages: the window of the outcomes, the reference a
    provider has for one, and the blocked addresses."""
    local = AT.astimezone(SHANGHAI)
    window = (7, 3, None, 1, n, "sms-file", "a", "t", local, local, local)
    append(tx, tables.window, names(tables.window), [window])
    append(
        tx, tables.provider_reference, names(tables.provider_reference), [("sms-file", "SM1", 1)]
    )
    append(tx, tables.address_block, names(tables.address_block), [
        (i, "email", f"user{i}@example.com", "hard_bounce", local, f"bounce {i}", None)
        for i in range(1, n + 1)
    ])  # fmt: skip


def log_page(tx: Connection, table: Table, rows: Rows) -> int:
    """Add rows and, in the same transaction, the entry that covers them."""
    append(tx, table, names(table), rows)
    entry = Entry(
        AT, f"{table.name}.added", "planner", "run 3", {"n": len(rows)},
        cover(table, names(table), rows),
    )  # fmt: skip
    return audit.append(tx, [entry])
