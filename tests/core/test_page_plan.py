"""A page of candidates: which channel each gets, who shares an address, what cannot be written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
import pytest

from outreach.core.consent import ConsentEvent
from outreach.core.model import (
    ALLOW,
    CampaignFacts,
    ContactHours,
    Defer,
    FrequencyCap,
    Suppress,
    Verdict,
)
from outreach.core.page_plan import PAGE_COLUMNS, Gathered, PagePlan, Sheet, combined, plan_page
from outreach.core.policy import gates_for
from outreach.core.render import RenderError, content_digest
from outreach.core.words import Channel, Purpose, Reason

SMS, EMAIL = Channel.SMS, Channel.EMAIL
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)  # Monday 15:30 in Shanghai
NIGHT = datetime(2026, 9, 28, 14, 0, tzinfo=UTC)  # 22:00 in Shanghai
MORNING = datetime(2026, 9, 29, 0, 0, tzinfo=UTC)  # 08:00 the next day
HOURS = ContactHours(time(8), time(21))
SERVICE = CampaignFacts(Purpose.SERVICE, contact_hours=HOURS, candidate_zones=("Asia/Shanghai",))

_PLAIN: dict[str, Any] = {
    "id": 1, "status": "normal", "legal_hold": False, "country": "CN", "zone": "Asia/Shanghai",
    "risk_level": 3, "lowest_tolerance": False, "assessment_expires_on": date(2027, 6, 30),
    "professional": False, "phone": "+8613800000001", "phone_state": "ok", "phone_country": "CN",
    "email": "a@example.com", "email_state": "ok", "locale": "zh-CN", "client_no": "0000001",
}  # fmt: skip


class Template:
    """Renders a row as its own text; a text that starts with ! cannot be rendered."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, str, int]] = []

    def locale_for(self, wanted: str) -> str:
        return "en" if wanted.startswith("en") else "zh-CN"

    def render(
        self, channel: Channel, locale: str, constants: Mapping[str, Any], rows: Sequence[Any]
    ) -> Sequence[Any]:
        self.batches.append((channel, locale, len(rows)))
        texts = [f"{constants['greeting']}{row[0]}" for row in rows]
        return [
            RenderError("sms.text.j2", 1, "not known") if row[0].startswith("!")
            else (text,) if channel is SMS else (text, text, f"<p>{text}</p>")
            for row, text in zip(rows, texts, strict=True)
        ]  # fmt: skip


def sheet(
    channels: Sequence[Channel] = (SMS, EMAIL),
    *,
    each: bool = False,
    campaign: CampaignFacts = SERVICE,
    text: str = "",
    max_sms_parts: int = 1,
) -> Sheet:
    """A sheet whose texts are `text`, or the client's own number without it."""
    number = PAGE_COLUMNS.index("client_no")
    readers = {
        (channel, locale): (lambda row: (text or row[number],))
        for channel in channels
        for locale in ("zh-CN", "en")
    }
    constants = {"zh-CN": {"greeting": "您好"}, "en": {"greeting": "Dear "}}
    return Sheet(
        campaign, gates_for(campaign.purpose), tuple(channels), each,
        {channel: (("", f"{channel}-file", "file"),) for channel in channels}, Template(),
        constants, readers, max_sms_parts, content_digest,
    )  # fmt: skip


def client(id_: int = 1, **changes: Any) -> tuple[Any, ...]:
    facts = {
        **_PLAIN, "id": id_, "phone": f"+861380000{id_:04}", "email": f"c{id_}@example.com",
        "client_no": f"{id_:07}", **changes,
    }  # fmt: skip
    return tuple(facts[name] for name in PAGE_COLUMNS)


def no_phone(id_: int = 1) -> tuple[Any, ...]:
    return client(id_, phone=None, phone_state="missing", phone_country=None)


def planned(
    rows: Iterable[tuple[Any, ...]],
    on: Sheet,
    gathered: Gathered | None = None,
    taken: set[tuple[str, int]] | None = None,
    now: datetime = NOW,
) -> PagePlan:
    taken = set() if taken is None else taken
    return plan_page(on, list(rows), gathered or Gathered(), taken, now)


def channels_of(plan: PagePlan) -> list[tuple[int, str]]:
    return sorted((draft.client_id, draft.channel.value) for draft in plan.drafts)


def verdicts(plan: PagePlan) -> list[tuple[str, str | None]]:
    return [(one.verdict, one.reason) for one in plan.decided]


def opted_out_of(channel: Channel, *clients: int) -> Gathered:
    event = ConsentEvent(channel, None, "withdraw", "sms_mo", NOW, NOW)
    return Gathered(consents={client_id: [event] for client_id in clients})


# --- one channel, or each --------------------------------------------------------------------


def test_first_uses_the_first_channel_that_is_allowed() -> None:
    plan = planned([client()], sheet((SMS, EMAIL)))

    assert channels_of(plan) == [(1, "sms")]
    assert verdicts(plan) == [("allow", None)]


def test_first_keeps_to_the_order_of_the_campaign() -> None:
    assert channels_of(planned([client()], sheet((EMAIL, SMS)))) == [(1, "email")]


def test_first_falls_back_to_the_next_channel() -> None:
    plan = planned([no_phone(1), client(2)], sheet(), opted_out_of(SMS, 2))

    assert channels_of(plan) == [(1, "email"), (2, "email")]
    assert verdicts(plan) == [("allow", None)] * 2


def test_each_uses_every_channel_that_is_allowed() -> None:
    plan = planned([client(1), no_phone(2)], sheet(each=True))

    assert channels_of(plan) == [(1, "email"), (1, "sms"), (2, "email")]
    assert verdicts(plan) == [("allow", None)] * 2


def test_no_channel_gives_the_reason_of_the_preferred_one() -> None:
    plan = planned([client(1, phone_state="missing", email_state="invalid")], sheet((SMS, EMAIL)))

    assert plan.drafts == []
    assert verdicts(plan) == [("suppress", Reason.ADDRESS_MISSING)]


# --- held ------------------------------------------------------------------------------------


def test_a_held_candidate_has_one_message_under_first_and_all_under_each() -> None:
    first = planned([client()], sheet(), now=NIGHT)
    each = planned([client()], sheet(each=True), now=NIGHT)

    assert channels_of(first) == [(1, "sms")]
    assert channels_of(each) == [(1, "email"), (1, "sms")]
    assert {draft.until for draft in (*first.drafts, *each.drafts)} == {MORNING}
    assert verdicts(first) == verdicts(each) == [("defer", Reason.QUIET_HOURS)]
    assert first.decided[0].until == MORNING


def test_a_message_planned_at_once_is_held_until_nothing() -> None:
    assert planned([client()], sheet()).drafts[0].until is None


# --- one message per address -----------------------------------------------------------------


def sharing(*clients: int, channel: Channel = SMS) -> Gathered:
    return Gathered(
        sharers={(one, channel): [other for other in clients if other != one] for one in clients}
    )


def test_the_first_client_of_an_address_gets_the_message() -> None:
    plan = planned([client(1), client(2), client(3)], sheet((SMS,)), sharing(1, 2, 3))

    assert channels_of(plan) == [(1, "sms")]
    assert verdicts(plan) == [("allow", None)] + [("suppress", Reason.DUPLICATE_ADDRESS)] * 2


def test_a_client_on_a_later_page_knows_the_address_was_served() -> None:
    taken: set[tuple[str, int]] = set()
    on = sheet((SMS,))

    first = planned([client(1)], on, sharing(1, 2), taken)
    second = planned([client(2)], on, sharing(1, 2), taken)

    assert channels_of(first) == [(1, "sms")]
    assert verdicts(second) == [("suppress", Reason.DUPLICATE_ADDRESS)]


def test_whoever_is_suppressed_leaves_the_address_to_the_next() -> None:
    plan = planned([client(1, status="closed"), client(2)], sheet((SMS,)), sharing(1, 2))

    assert channels_of(plan) == [(2, "sms")]


def test_two_held_clients_of_one_address_get_one_message() -> None:
    plan = planned([client(1), client(2)], sheet((SMS,)), sharing(1, 2), now=NIGHT)

    assert channels_of(plan) == [(1, "sms")]
    assert verdicts(plan) == [
        ("defer", Reason.QUIET_HOURS), ("suppress", Reason.DUPLICATE_ADDRESS),
    ]  # fmt: skip


def test_a_client_who_gets_an_email_instead_leaves_the_phone_to_the_next() -> None:
    on = sheet((SMS, EMAIL))
    gathered = Gathered(consents=opted_out_of(SMS, 1).consents, sharers=sharing(1, 2).sharers)
    plan = planned([client(1), client(2)], on, gathered)

    assert channels_of(plan) == [(1, "email"), (2, "sms")]


def test_sharing_a_phone_does_not_stop_the_email() -> None:
    plan = planned([client(1), client(2)], sheet(each=True), sharing(1, 2))

    assert channels_of(plan) == [(1, "email"), (1, "sms"), (2, "email")]


# --- caps ------------------------------------------------------------------------------------


def test_each_channel_of_one_candidate_takes_a_place_under_the_cap() -> None:
    campaign = replace(SERVICE, purpose=Purpose.EDUCATION, cap=FrequencyCap(2, 7))
    on = sheet((SMS, EMAIL), each=True, campaign=campaign)
    gathered = Gathered(recent={1: 1, 2: 0, 3: 2})

    plan = planned([client(1), client(2), client(3)], on, gathered)

    assert channels_of(plan) == [(1, "sms"), (2, "email"), (2, "sms")]
    assert verdicts(plan)[2] == ("suppress", Reason.FREQUENCY_CAP)


# --- rendering -------------------------------------------------------------------------------


def test_a_text_that_cannot_be_rendered_suppresses_that_client_alone() -> None:
    plan = planned([client(1, client_no="!broken"), client(2)], sheet((SMS,)))

    assert channels_of(plan) == [(2, "sms")]
    assert verdicts(plan) == [("suppress", Reason.RENDER_ERROR), ("allow", None)]
    routes = orjson.loads(plan.decided[0].facts)[2]
    assert ["render", "suppress", "render_error", None] in routes[0][1]


@pytest.mark.parametrize(
    ("length", "limit", "fits"),
    [
        pytest.param(68, 1, True, id="70 UCS-2 units are one part"),
        pytest.param(69, 1, False, id="71 are two"),
        pytest.param(69, 2, True, id="two may be allowed"),
        pytest.param(132, 2, True, id="134 units are two parts"),
        pytest.param(133, 2, False, id="135 are three"),
    ],
)
def test_an_sms_of_too_many_parts_is_suppressed(length: int, limit: int, fits: bool) -> None:
    on = sheet((SMS,), text="字" * length, max_sms_parts=limit)  # and 2 of the greeting

    plan = planned([client()], on)

    assert verdicts(plan) == [("allow", None) if fits else ("suppress", Reason.SMS_TOO_LONG)]
    assert [draft.sms_units for draft in plan.drafts] == ([length + 2] if fits else [])


def test_the_length_limit_is_for_sms_only() -> None:
    plan = planned([client()], sheet((EMAIL,), text="字" * 5_000))

    assert channels_of(plan) == [(1, "email")]
    assert plan.drafts[0].sms_parts == 0


def test_each_locale_is_rendered_in_its_language() -> None:
    on = sheet((SMS,))
    plan = planned([client(1), client(2, locale="en-GB"), client(3, locale="fr")], on)

    assert {draft.client_id: draft.locale for draft in plan.drafts} == {
        1: "zh-CN", 2: "en", 3: "zh-CN",
    }  # fmt: skip
    assert plan.drafts[1].content_digest != plan.drafts[0].content_digest
    english = next(draft for draft in plan.drafts if draft.client_id == 2)
    assert english.content_digest == content_digest(("Dear 0000002",))


def test_a_message_names_the_address_the_sender_and_the_values_it_was_made_from() -> None:
    draft = planned([client(7)], sheet((EMAIL,))).drafts[0]

    assert (draft.address, draft.sender, draft.values) == (
        "c7@example.com", "email-file", ("0000007",),
    )  # fmt: skip


def test_a_large_group_is_rendered_in_bounded_pieces() -> None:
    on = sheet((SMS,))
    planned([client(n) for n in range(1, 602)], on)

    assert isinstance(on.template, Template)
    assert [n for _, _, n in on.template.batches] == [250, 250, 101]


# --- blocks and the record -------------------------------------------------------------------


def test_every_block_on_an_address_is_seen() -> None:
    gathered = Gathered(
        blocks={
            (1, SMS): {"hard_bounce": NOW},
            (2, SMS): {"global_objection": NOW},
            (3, SMS): {"regulator_list": NOW},
            (4, SMS): {"soft_bounces": NOW},
        }
    )
    plan = planned([client(n) for n in (1, 2, 3, 4)], sheet((SMS,)), gathered)

    assert [reason for _, reason in verdicts(plan)] == [
        Reason.HARD_BOUNCE, Reason.GLOBAL_OBJECTION, Reason.REGULATOR_LIST, Reason.SOFT_BOUNCES,
    ]  # fmt: skip


def test_a_decision_keeps_the_moment_the_candidate_and_each_route_asked() -> None:
    plan = planned([client(5)], sheet(each=True))

    stamp, candidate, routes = orjson.loads(plan.decided[0].facts)
    assert stamp == int(NOW.timestamp())
    assert candidate == [5, "normal", False, "CN", "Asia/Shanghai", 3, False, "2027-06-30", False]
    assert [route[0] for route, _ in routes] == ["sms", "email"]
    assert all(hits == [] for _, hits in routes)


def test_no_address_and_no_name_stands_in_the_stored_facts() -> None:
    facts = planned([client(5)], sheet(each=True)).decided[0].facts

    assert b"+86138" not in facts
    assert b"example.com" not in facts


# --- over all channels -----------------------------------------------------------------------

WAIT = Defer(MORNING, Reason.QUIET_HOURS)
LONGER = Defer(MORNING + timedelta(hours=1), Reason.HALT_FEED_STALE)
STOP, OTHER = Suppress(Reason.HARD_BOUNCE), Suppress(Reason.ADDRESS_MISSING)


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        pytest.param([ALLOW, STOP], ("allow", None, None), id="one allowed is allowed"),
        pytest.param([STOP, ALLOW], ("allow", None, None), id="in whatever order"),
        pytest.param([WAIT, ALLOW], ("allow", None, None), id="even beside a held one"),
        pytest.param([STOP, WAIT], ("defer", Reason.QUIET_HOURS, MORNING), id="one held is held"),
        pytest.param(
            [WAIT, LONGER], ("defer", Reason.QUIET_HOURS, MORNING), id="the preferred one's hour"
        ),
        pytest.param([STOP, OTHER], ("suppress", Reason.HARD_BOUNCE, None), id="the preferred one"),
        pytest.param([OTHER], ("suppress", Reason.ADDRESS_MISSING, None), id="the only one"),
    ],
)
def test_a_candidate_over_all_channels(
    each: list[Verdict], expected: tuple[str, Reason | None, datetime | None]
) -> None:
    assert combined(each) == expected
