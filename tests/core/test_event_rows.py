"""Rows of consent and holdings files: moments, scopes, markets, and what a yes or no is worth."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from outreach.core.cells import Bad, Fault
from outreach.core.consent import Action, ConsentEvent
from outreach.core.consent_rows import claimed, event, moment, opted_out
from outreach.core.halt_rows import halt
from outreach.core.halts import Halt
from outreach.core.holding_rows import security

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)


def at(day: int) -> datetime:
    return datetime(2026, 9, day, tzinfo=UTC)


def said(day: int, action: str, purpose: str | None = "marketing") -> ConsentEvent:
    return ConsentEvent("sms", purpose, action, "app", at(day), at(day))


@pytest.mark.parametrize(
    ("cell", "utc"),
    [
        ("2026-09-10T10:00:00+08:00", "2026-09-10T02:00:00+00:00"),
        ("2026-09-10 10:00", "2026-09-10T02:00:00+00:00"),
        ("2026/09/10 10:00:30", "2026-09-10T02:00:30+00:00"),
        ("2026/9/10 9:05", "2026-09-10T01:05:00+00:00"),
        ("2026年9月10日 9:05", "2026-09-10T01:05:00+00:00"),
        ("20260910 10:00", "2026-09-10T02:00:00+00:00"),
        ("20260910", "2026-09-09T16:00:00+00:00"),
        ("2026年9月10日", "2026-09-09T16:00:00+00:00"),
    ],
)
def test_a_moment_without_an_offset_is_on_the_firms_clock(cell: str, utc: str) -> None:
    read = moment(cell, SHANGHAI)

    assert isinstance(read, datetime)
    assert read.astimezone(UTC).isoformat() == utc


def test_a_term_lasts_to_the_end_of_its_day() -> None:
    assert moment("2026-12-31", SHANGHAI, end_of_day=True) == datetime(2026, 12, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell", ["soon", "2026-13-01", "2026-09-10T25:00", "0001-01-01 00:00", "9999-12-31 23:59"]
)
def test_what_is_no_moment_is_refused(cell: str) -> None:
    assert isinstance(moment(cell, SHANGHAI), Bad)


@pytest.mark.parametrize(
    ("events", "says", "action"),
    [
        pytest.param([], True, Action.GRANT, id="a yes about somebody unknown is a grant"),
        pytest.param([], False, None, id="a no about somebody unknown is nothing"),
        pytest.param([said(1, "grant")], True, None, id="a yes that is known is nothing"),
        pytest.param([said(1, "grant")], False, Action.EXPIRE, id="a no ends a grant"),
        pytest.param([said(1, "withdraw")], True, Action.GRANT, id="a claim after an opt-out"),
        pytest.param(
            [said(1, "withdraw", None), said(2, "grant")], True, None, id="is recorded once"
        ),
        pytest.param(
            [said(25, "withdraw")], True, None, id="an older file knows nothing of what came later"
        ),
        pytest.param(
            [said(1, "grant"), said(3, "grant", None)], False, Action.EXPIRE,
            id="START is no grant of marketing",
        ),
    ],
)  # fmt: skip
def test_what_a_consent_column_is_worth(
    events: list[ConsentEvent], says: bool, action: Action | None
) -> None:
    assert claimed(events, "sms", says, at(20)) == action


@pytest.mark.parametrize(
    ("events", "news"),
    [
        ([], True),
        ([said(1, "withdraw", None)], False),
        ([said(1, "withdraw", None), said(2, "grant", None)], True),
        ([said(25, "grant", None)], False),
        ([said(1, "withdraw")], True),
    ],
)
def test_an_opt_out_flag_is_news_once(events: list[ConsentEvent], news: bool) -> None:
    assert opted_out(events, "sms", at(20)) is news


def consent_row(**cells: str) -> dict[str, str]:
    return {"client_no": "1", "action": "退订", "captured_at": "2026-09-10 10:00", **cells}


def test_an_event_without_channel_and_purpose_is_about_everything() -> None:
    read = event(consent_row(channel="", purpose="全部"), {"1": 7}, SHANGHAI, NOW)

    assert not isinstance(read, Fault)
    assert read[:5] == (7, None, None, "withdraw", "batch_import")


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"client_no": "2"}, "client_no"),
        ({"channel": "信鸽"}, "channel"),
        ({"action": ""}, "action"),
        ({"captured_at": "2026-09-29"}, "captured_at"),
        ({"captured_at": ""}, "captured_at"),
        ({"valid_until": "2026-09-01"}, "valid_until"),
        ({"source": "rumour"}, "source"),
    ],
)
def test_a_faulty_event_names_its_field(cells: dict[str, str], field: str) -> None:
    read = event(consent_row(**cells), {"1": 7}, SHANGHAI, NOW)

    assert isinstance(read, Fault)
    assert read.field == field


@pytest.mark.parametrize(
    ("symbol", "market", "canonical"),
    [
        ("600000", "", "XSHG.600000"),
        ("000001", "", "XSHE.000001"),
        ("300096", "深交所", "XSHE.300096"),
        ("920001", "", "BJSE.920001"),
        ("858", "SZ", "XSHE.000858"),
        ("600000.SH", "", "XSHG.600000"),
        ("700", "港股通", "XHKG.00700"),
        ("brk.b", "NYSE", "XNYS.BRK.B"),
    ],
)
def test_a_security_is_known_by_market_and_code(symbol: str, market: str, canonical: str) -> None:
    read = security(symbol, market)

    assert not isinstance(read, Bad)
    assert ".".join(read) == canonical


@pytest.mark.parametrize(
    ("symbol", "market"),
    [
        ("858", ""),
        ("600000", "火星"),
        ("6E+05", "SH"),
        # A share of the other exchange: nobody would hold it, so nobody would be told.
        ("600000", "深市"),
        ("688001", "北交所"),
        ("002594", "沪市"),
        ("300750.SH", ""),
        ("920001", "深交所"),
    ],
)
def test_a_security_is_never_guessed(symbol: str, market: str) -> None:
    assert isinstance(security(symbol, market), Bad)


HALT = {"market": "XSHE", "symbol": "300096", "name_zh": "ST易联众", "halt_at": "2026-09-24 开市"}


def test_a_halt_given_by_days_opens_with_its_market() -> None:
    read = halt({**HALT, "resume_at": "2026-09-28 开市"})

    assert isinstance(read, Halt)
    assert read.halt_id == "XSHE-300096-20260924-1"
    assert read.halt_at == datetime(2026, 9, 24, 1, 30, tzinfo=UTC)
    assert (read.resume_at, read.resume_status) == (
        datetime(2026, 9, 28, 1, 30, tzinfo=UTC), "planned",
    )  # fmt: skip


@pytest.mark.parametrize("word", ["delisting_period", "退市整理期"])
def test_a_delisting_period_is_entered_by_its_first_day_and_the_day_after_its_last(
    word: str,
) -> None:
    read = halt({**HALT, "kind": word, "halt_at": "2026-09-14", "resume_at": "2026-10-13"})

    assert isinstance(read, Halt)
    assert (read.kind, read.resume_status) == ("delisting_period", "planned")
    assert read.resume_at == datetime(2026, 10, 13, 1, 30, tzinfo=UTC)


def test_what_a_halt_file_may_give_besides() -> None:
    given = {
        "isin": "cne0000018r8", "resume_quote_at": "2026-09-28 09:15",
        "last_halted_on": "20260924", "source_updated_at": "2026-09-23T18:00:00+08:00",
    }  # fmt: skip
    read = halt({**HALT, **given})

    assert isinstance(read, Halt)
    assert (read.isin, read.last_halted_on) == ("CNE0000018R8", date(2026, 9, 24))
    assert read.resume_quote_at == datetime(2026, 9, 28, 1, 15, tzinfo=UTC)
    assert read.source_updated_at == datetime(2026, 9, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"isin": "CNE0000018R9"}, "isin"),
        ({"isin": "600519"}, "isin"),
        ({"last_halted_on": "soon"}, "last_halted_on"),
        ({"halt_at": ""}, "halt_at"),
        ({"name_zh": ""}, "name_zh"),
        ({"market": "XPAR"}, "symbol"),
        ({"resume_at": "2026-09-23"}, "resume_at"),
        ({"resume_status": "confirmed"}, "resume_at"),
        ({"kind": "nap"}, "kind"),
        ({"version": "0"}, "version"),
        ({"announcement_url": "javascript:alert(1)"}, "announcement_url"),
    ],
)
def test_a_faulty_halt_names_its_field(cells: dict[str, str], field: str) -> None:
    read = halt({**HALT, **cells})

    assert isinstance(read, Fault)
    assert read.field == field
