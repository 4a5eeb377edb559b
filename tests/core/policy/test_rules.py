"""The rule book: what each gate says to a candidate, boundaries first."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from outreach.core.model import ALLOW, ContactHours, Defer, FrequencyCap, Suppress
from outreach.core.policy import GATES, gates_for
from outreach.core.policy.gate import Gate
from outreach.core.words import Channel, Purpose, Reason

from .cases import NOW, facts

BY_NAME: dict[str, Gate] = {gate.name: gate for gate in GATES}
ON = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A moment of November 2026 in UTC; Shanghai is eight hours ahead."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def case(name: str, gate: str, reason: Reason | None, **changes: Any) -> Any:
    return pytest.param(gate, reason, changes, id=name)


CLIENT = [
    case("a normal account is written to", "client_closed", None),
    case("a dormant account is written to", "client_closed", None, status="dormant"),
    case("a defective account is written to", "client_closed", None, status="defective"),
    case("a frozen account is written to", "client_closed", None, status="frozen"),
    case("a closed account is not", "client_closed", Reason.CLIENT_CLOSED, status="closed"),
    case("the dead are not written to", "client_closed", Reason.CLIENT_CLOSED, status="deceased"),
    case("no legal hold", "legal_hold", None),
    case("a legal hold", "legal_hold", Reason.LEGAL_HOLD, legal_hold=True),
    case("an address on no list", "regulator_list", None),
    case("a listed address", "regulator_list", Reason.REGULATOR_LIST, listed=True),
]

ADDRESS = [
    case("a good address", "address", None),
    case("no address", "address", Reason.ADDRESS_MISSING, address="missing"),
    case("a broken address", "address", Reason.ADDRESS_INVALID, address="invalid"),
    case("a bounce is the next gate's business", "address", None, address="hard_bounced"),
    case("nothing has bounced", "hard_bounce", None),
    case("a hard bounce", "hard_bounce", Reason.HARD_BOUNCE, address="hard_bounced"),
    case("nothing has come back lately", "soft_bounces", None),
    case("a mailbox full for days", "soft_bounces", Reason.SOFT_BOUNCES, address="soft_bounced"),
    case("the harder reason is the other gate's", "soft_bounces", None, address="hard_bounced"),
    case("a sender serves it", "no_route", None),
    case("no sender serves it", "no_route", Reason.NO_ROUTE, provider=None),
    case("no address needs no route", "no_route", None, provider=None, address="missing"),
    case("a mainland gateway carries securities", "provider_country", None, provider="cn_gateway"),
    case(
        "Twilio carries no securities to the mainland", "provider_country",
        Reason.PROVIDER_FORBIDS, provider="twilio_sms", country="CN",
    ),
    case(
        "Twilio carries securities to Hong Kong", "provider_country", None,
        provider="twilio_sms", country="HK",
    ),
    case(
        "Twilio carries other content to the mainland", "provider_country", None,
        provider="twilio_sms", country="CN", securities_content=False,
    ),
    case("e-mail has no country", "provider_country", None, provider="smtp", country=None),
]  # fmt: skip

WISHES = [
    case("no global objection", "global_objection", None),
    case("a global objection", "global_objection", Reason.GLOBAL_OBJECTION, objected_on=ON),
    case("no stop", "channel_opt_out", None),
    case("a stop", "channel_opt_out", Reason.CHANNEL_OPT_OUT, stopped_on=ON),
    case("no purpose opt-out", "purpose_opt_out", None),
    case("a purpose opt-out", "purpose_opt_out", Reason.PURPOSE_OPT_OUT, purpose_stopped_on=ON),
    case("consent without an end", "consent", None),
    case("no consent", "consent", Reason.CONSENT_MISSING, granted_on=None),
    case("consent in its last second", "consent", None, granted_until=NOW + SECOND),
    case("consent that ends now", "consent", Reason.CONSENT_EXPIRED, granted_until=NOW),
    case("consent that ended", "consent", Reason.CONSENT_EXPIRED, granted_until=NOW - SECOND),
    case(
        "a survey needs consent like marketing", "consent", Reason.CONSENT_MISSING,
        granted_on=None, purpose=Purpose.SURVEY,
    ),
    case(
        "education without a product needs none", "consent", None,
        granted_on=None, purpose=Purpose.EDUCATION,
    ),
    case(
        "education that names a product needs consent", "consent", Reason.CONSENT_MISSING,
        granted_on=None, purpose=Purpose.EDUCATION, product_risk=1,
    ),
]  # fmt: skip

TOO_RISKY = Reason.SUITABILITY_EXCEEDED
SUITABILITY = [
    case("no product risk, no question", "suitability", None, risk_level=None),
    case("C2 and R2", "suitability", None, risk_level=2, product_risk=2),
    case("C2 and R3", "suitability", TOO_RISKY, risk_level=2, product_risk=3),
    case("C2 and R4", "suitability", TOO_RISKY, risk_level=2, product_risk=4),
    case("C5 and R5", "suitability", None, risk_level=5, product_risk=5),
    case("C1 and R1", "suitability", None, risk_level=1, product_risk=1),
    case(
        "the lowest tolerance gets R1", "suitability", None,
        risk_level=1, lowest_tolerance=True, product_risk=1,
    ),
    case(
        "the lowest tolerance gets nothing else, whatever the level says", "suitability",
        TOO_RISKY, risk_level=3, lowest_tolerance=True, product_risk=2,
    ),
    case(
        "never assessed", "suitability", Reason.ASSESSMENT_MISSING,
        risk_level=None, product_risk=1,
    ),
    case(
        "assessed, but nobody knows until when", "suitability", Reason.ASSESSMENT_MISSING,
        assessment_expires_on=None, product_risk=1,
    ),
    case(
        "the assessment expires today", "suitability", None,
        assessment_expires_on=date(2026, 11, 22), product_risk=1,
    ),
    case(
        "the assessment expired yesterday", "suitability", Reason.ASSESSMENT_EXPIRED,
        assessment_expires_on=date(2026, 11, 21), product_risk=1,
    ),
    case(
        "an expired level says nothing about R4", "suitability", Reason.ASSESSMENT_EXPIRED,
        assessment_expires_on=date(2026, 11, 21), product_risk=4, risk_level=2,
    ),
    case(
        "23:59 at the firm is still the last day", "suitability", None,
        now=at(22, 15, 59), assessment_expires_on=date(2026, 11, 22), product_risk=1,
    ),
    case(
        "midnight at the firm is the day after, though UTC has not turned", "suitability",
        Reason.ASSESSMENT_EXPIRED,
        now=at(22, 16), assessment_expires_on=date(2026, 11, 22), product_risk=1,
    ),
    case(
        "the firm's day counts, not the client's", "suitability", Reason.ASSESSMENT_EXPIRED,
        now=at(22, 16), zone="America/New_York",
        assessment_expires_on=date(2026, 11, 22), product_risk=1,
    ),
    case(
        "a professional investor is exempt", "suitability", None,
        professional=True, risk_level=None, product_risk=5,
    ),
]  # fmt: skip

WEEKLY = FrequencyCap(messages=2, days=7)
RUN = [
    case("no cap", "frequency_cap", None, recent=99),
    case("one below the cap", "frequency_cap", None, cap=WEEKLY, recent=1),
    case("the cap is reached", "frequency_cap", Reason.FREQUENCY_CAP, cap=WEEKLY, recent=2),
    case("the cap is passed", "frequency_cap", Reason.FREQUENCY_CAP, cap=WEEKLY, recent=3),
    case("an address of one's own", "duplicate_address", None),
    case("a shared address", "duplicate_address", Reason.DUPLICATE_ADDRESS, shared_with=7),
    case("approved", "not_approved", None),
    case("not approved", "not_approved", Reason.NOT_APPROVED, approved=False),
    case("the newest notice", "superseded", None),
    case("a newer notice", "superseded", Reason.SUPERSEDED, superseded_by="resume-300096"),
    case("never expires", "stale", None),
    case("the last second of use", "stale", None, expires_at=NOW + SECOND),
    case("expires now", "stale", Reason.STALE, expires_at=NOW),
    case("has expired", "stale", Reason.STALE, expires_at=NOW - SECOND),
]


@pytest.mark.parametrize(
    ("gate", "reason", "changes"), CLIENT + ADDRESS + WISHES + SUITABILITY + RUN
)
def test_a_gate_suppresses_with_its_reason(
    gate: str, reason: Reason | None, changes: dict[str, Any]
) -> None:
    expected = Suppress(reason) if reason else ALLOW

    assert BY_NAME[gate].rule(facts(**changes)) == expected


@pytest.mark.parametrize(
    ("as_of", "limit", "waits"),
    [
        pytest.param(None, None, False, id="the run relies on no feed"),
        pytest.param(None, 24, True, id="nobody ever reported on a market"),
        pytest.param(at(21, 2), 24, False, id="exactly as old as the limit"),
        pytest.param(at(21, 1, 59, 59), 24, True, id="a second too old"),
        pytest.param(at(1, 0), None, False, id="no limit is set"),
    ],
)
def test_a_halt_alert_waits_for_current_halt_data(
    as_of: datetime | None, limit: int | None, waits: bool
) -> None:
    verdict = BY_NAME["halt_feed_stale"].rule(facts(halts_as_of=as_of, halts_max_age_hours=limit))

    later = NOW + timedelta(minutes=15)
    assert verdict == (Defer(later, Reason.HALT_FEED_STALE) if waits else ALLOW)


def test_a_stop_blocks_its_channel_even_for_what_the_law_demands() -> None:
    gates = {gate.name for gate in gates_for(Purpose.REGULATORY)}

    assert "channel_opt_out" in gates
    assert gates.isdisjoint({"global_objection", "purpose_opt_out", "consent", "suitability"})


@pytest.mark.parametrize(
    ("purpose", "needs"),
    [
        (Purpose.REGULATORY, False),
        (Purpose.SERVICE, False),
        (Purpose.EDUCATION, True),
        (Purpose.SURVEY, True),
        (Purpose.MARKETING, True),
    ],
)
def test_the_purposes_that_may_need_consent(purpose: Purpose, needs: bool) -> None:
    assert ("consent" in {gate.name for gate in gates_for(purpose)}) is needs


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_a_gate_says_what_it_saw_differently_when_it_does_not_allow(gate: Gate) -> None:
    against = facts(**_AGAINST[gate.name])

    assert gate.rule(against) != ALLOW
    assert gate.says(against) != gate.says(facts())
    assert gate.saw(against) != gate.saw(facts())
    for sentence in (gate.says(against), gate.says(facts())):
        assert sentence.en.endswith(".")
        assert sentence.zh.endswith("。")


_AGAINST: dict[str, dict[str, Any]] = {
    "legal_hold": {"legal_hold": True},
    "client_closed": {"status": "closed"},
    "regulator_list": {"listed": True},
    "address": {"address": "missing"},
    "hard_bounce": {"address": "hard_bounced"},
    "soft_bounces": {"address": "soft_bounced"},
    "no_route": {"provider": None},
    "provider_country": {"provider": "twilio_sms"},
    "global_objection": {"objected_on": ON},
    "channel_opt_out": {"stopped_on": ON},
    "purpose_opt_out": {"purpose_stopped_on": ON},
    "consent": {"granted_on": None},
    "suitability": {"product_risk": 4},
    "frequency_cap": {"cap": WEEKLY, "recent": 2},
    "duplicate_address": {"shared_with": 7},
    "not_approved": {"approved": False},
    "superseded": {"superseded_by": "resume-300096"},
    "stale": {"expires_at": NOW},
    "halt_feed_stale": {"halts_as_of": ON, "halts_max_age_hours": 24},
    "quiet_hours": {"contact_hours": ContactHours(time(20), time(21))},
}


@pytest.mark.parametrize(
    ("gate", "changes", "en", "zh"),
    [
        (
            "channel_opt_out",
            {"stopped_on": ON, "channel": Channel.EMAIL},
            "The client opted out of e-mail on 2026-03-02 16:00 (Asia/Shanghai).",
            "客户于 2026-03-02 16:00 (Asia/Shanghai) 退订电子邮件。",
        ),
        (
            "suitability",
            {"risk_level": 2, "product_risk": 4},
            "The product is R4, above what a client of C2 may be offered.",
            "产品为 R4，高于 C2 客户的承受能力。",
        ),
        (
            "frequency_cap",
            {"cap": WEEKLY, "recent": 1},
            "1 of at most 2 messages were sent within 7 days.",
            "7 天内已发送 1 条，上限 2 条。",
        ),
        (
            "provider_country",
            {"provider": "smtp", "country": None},
            "No term of smtp forbids this content.",
            "smtp 未禁止发送此类内容。",
        ),
    ],
)
def test_sentences_carry_the_facts(gate: str, changes: dict[str, Any], en: str, zh: str) -> None:
    assert BY_NAME[gate].says(facts(**changes)) == (en, zh)
