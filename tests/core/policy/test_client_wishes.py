"""What a client asked for binds beside the rules: no product above a risk, no other hour."""

from datetime import UTC, date, datetime, time

import pytest

from outreach.core.model import ALLOW, ContactHours, Defer, Suppress
from outreach.core.policy.quiet_hours import quiet_hours
from outreach.core.policy.quiet_hours import says as hours_say
from outreach.core.policy.suitability import says, suitability
from outreach.core.policy.wall_clock import narrowed
from outreach.core.words import Reason

from .cases import facts

EXCEEDED = Suppress(Reason.SUITABILITY_EXCEEDED)


@pytest.mark.parametrize(
    ("risk", "wanted", "professional", "verdict"),
    [
        pytest.param(3, None, False, ALLOW, id="a C3 client and an R3 product"),
        pytest.param(3, 3, False, ALLOW, id="at the client's own ceiling"),
        pytest.param(3, 2, False, EXCEEDED, id="above it, though C3 would allow"),
        pytest.param(3, 5, False, ALLOW, id="a high ceiling"),
        pytest.param(4, 5, False, EXCEEDED, id="a high ceiling lifts no tolerance"),
        pytest.param(5, 4, True, EXCEEDED, id="it binds for professionals too"),
        pytest.param(5, None, True, ALLOW, id="a professional without one"),
        pytest.param(None, 1, False, ALLOW, id="no product is spoken of"),
    ],
)
def test_no_product_goes_above_what_the_client_wants(
    risk: int | None, wanted: int | None, professional: bool, verdict: object
) -> None:
    asked = facts(product_risk=risk, wanted_risk=wanted, professional=professional)

    assert suitability(asked) == verdict


def test_the_sentence_says_that_it_was_the_clients_own_ceiling() -> None:
    for professional in (False, True):
        said = says(facts(product_risk=3, wanted_risk=2, professional=professional))

        assert said.en == ("The product is R3; the client asked not to hear of products above R2.")
        assert said.zh == "产品为 R3，高于客户本人设定的意向产品风险上限 R2。"


def test_what_the_rules_forbid_is_said_before_what_the_client_wants() -> None:
    assert "above what a client of C3" in says(facts(product_risk=4, wanted_risk=2)).en
    expired = facts(product_risk=3, wanted_risk=2, assessment_expires_on=date(2026, 11, 1))
    assert suitability(expired) == Suppress(Reason.ASSESSMENT_EXPIRED)


HOURS = ContactHours(time(9), time(20))


@pytest.mark.parametrize(
    ("own", "opens", "closes"),
    [
        pytest.param(None, 9, 20, id="none asked for"),
        pytest.param("14:00-17:00", 14, 17, id="within contact hours"),
        pytest.param("07:00-12:00", 9, 12, id="never before contact hours"),
        pytest.param("18:00-23:00", 18, 20, id="never after them"),
        pytest.param("21:00-23:00", 9, 20, id="only outside: contact hours alone hold"),
    ],
)
def test_hours_of_their_own_narrow_contact_hours(own: str | None, opens: int, closes: int) -> None:
    assert narrowed(HOURS, own) == ContactHours(time(opens), time(closes))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        pytest.param("2026-11-23T13:59:59+08:00", "2026-11-23T14:00+08:00", id="13:59 is shut"),
        pytest.param("2026-11-23T14:00+08:00", None, id="14:00 is open"),
        pytest.param("2026-11-23T17:00+08:00", "2026-11-24T14:00+08:00", id="17:00 is shut"),
    ],
)
def test_a_message_waits_for_the_hours_the_client_asked_for(now: str, until: str | None) -> None:
    moment = datetime.fromisoformat(now).astimezone(UTC)
    asked = facts(moment, contact_hours=HOURS, own_hours="14:00-17:00")

    if until is None:
        assert quiet_hours(asked) is ALLOW
        assert "within the hours 14:00-17:00 that the client asked for" in hours_say(asked).en
    else:
        opening = datetime.fromisoformat(until).astimezone(UTC)
        assert quiet_hours(asked) == Defer(opening, Reason.QUIET_HOURS)
        assert "不在客户指定的联系时段 14:00-17:00 内" in hours_say(asked).zh
