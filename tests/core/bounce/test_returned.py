"""Whose message a returned mail is about, whether that is believed, and what it says of it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.bounce import Kind
from outreach.core.bounce.resting import SoftRule, rests_until
from outreach.core.bounce.returned import judged, read_returned
from outreach.core.verp import Verp
from tests.core.bounce import samples
from tests.core.bounce.samples import fields, postfix

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
VERP = Verp("b@bounces.example.net", b"k" * 32)
OURS = VERP.address(42)
HARD = fields(status="5.1.1", diagnostic="550 5.1.1 no such user")


def of(content: bytes, address: str = OURS) -> bytes:
    """A sample about message 42, come to a return address."""
    content = content.replace(samples.RETURN.encode(), address.encode())
    return content.replace(samples.OURS.encode(), b"<m42.r7@example.net>")


@pytest.mark.parametrize(
    ("content", "message", "signed"),
    [
        pytest.param(of(postfix(HARD)), 42, True, id="to a return address"),
        pytest.param(of(postfix(HARD), OURS.upper()), 42, True, id="in capitals"),
        pytest.param(of(samples.complaint()), 42, True, id="a complaint with our header"),
        pytest.param(
            of(postfix(HARD), "b@bounces.example.net") + f"\r\nReturn-Path: <{OURS}>".encode(),
            42, True, id="only the copy of our mail shows the address",
        ),
        pytest.param(of(postfix(HARD), "b@bounces.example.net"), 42, False, id="only Message-ID"),
        pytest.param(
            of(postfix(HARD), OURS[:-30] + "a" + OURS[-29:]), 42, False, id="a token changed"
        ),
        pytest.param(
            postfix(HARD).replace(samples.RETURN.encode(), b"b@bounces.example.net"),
            None, False, id="another's Message-ID",
        ),
    ],
)  # fmt: skip
def test_whose_message_it_is(content: bytes, message: int | None, signed: bool) -> None:
    mail = read_returned(content, VERP, AT)

    assert (mail.message_id, mail.signed) == (message, signed)


def test_without_a_key_nothing_is_believed() -> None:
    assert not read_returned(of(postfix(HARD)), None, AT).signed


def test_a_report_is_the_same_by_two_ways_and_another_one_is_not() -> None:
    def report(content: bytes) -> bytes:
        return judged(read_returned(content, VERP, AT), samples.CLIENT).identity

    first = of(postfix(HARD))
    named = b"Message-ID: <r1@mx>\r\n" + first

    assert report(b"Received: by a\r\n" + first) == report(b"Received: by b\r\n" + first)
    assert report(named) == report(b"X: y\r\n" + named)
    assert report(named) != report(named.replace(b"<r1@mx>", b"<r2@mx>"))
    assert report(named) != report(first)


@pytest.mark.parametrize(
    ("groups", "address", "kind", "counts"),
    [
        pytest.param([HARD], samples.CLIENT, Kind.HARD, False, id="the address itself"),
        pytest.param([HARD], "Zhang.San@EXAMPLE.com", Kind.HARD, False, id="in other letters"),
        pytest.param(
            [HARD], "zhang.san@mail.example.com", Kind.HARD, False, id="at a host of its domain"
        ),
        pytest.param([HARD], "li.si@example.com", Kind.SOFT, True, id="where it was passed on to"),
        pytest.param(
            [fields(recipient="old@else.example", original=samples.CLIENT)], samples.CLIENT,
            Kind.HARD, False, id="the original recipient",
        ),
        pytest.param(
            [fields(recipient="a@list.example", action="delivered", status="2.0.0"), HARD],
            samples.CLIENT, Kind.HARD, False, id="the row that names it",
        ),
        pytest.param(
            [fields(recipient="a@list.example", action="delivered", status="2.0.0"),
             fields(recipient="b@list.example")],
            samples.CLIENT, Kind.SOFT, True, id="members of a list",
        ),
        pytest.param(
            [fields(status="5.7.1", diagnostic="554 5.7.1 listed")], samples.CLIENT, Kind.POLICY,
            False, id="policy counts for nobody",
        ),
    ],
)  # fmt: skip
def test_what_it_says_of_the_address_we_wrote_to(
    groups: list[str], address: str, kind: Kind, counts: bool
) -> None:
    one = judged(read_returned(of(postfix(*groups)), VERP, AT), address)

    assert (one.kind, one.counts, one.address) == (kind, counts, address)
    assert one.suppresses == (kind is Kind.HARD)
    assert one.tells


@pytest.mark.parametrize("group", [HARD, fields(status="5.2.2", diagnostic="552 5.2.2 full")])
def test_an_unsigned_report_never_silences_and_never_counts(group: str) -> None:
    mail = read_returned(of(postfix(group), "b@bounces.example.net"), VERP, AT)
    one = judged(mail, samples.CLIENT)

    assert (one.suppresses, one.counts) == (False, False)
    assert one.tells
    assert not judged(mail, "someone.else@example.com").tells
    assert not judged(mail, None).tells


def test_an_unsigned_word_of_delivery_is_not_taken() -> None:
    done = postfix(fields(action="delivered", status="2.0.0"))
    mail = read_returned(of(done, "b@bounces.example.net"), VERP, AT)

    assert not judged(mail, samples.CLIENT).tells


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.sampled_from([None, "a@example.com"]))
def test_any_bytes_are_read_and_judged(data: bytes, address: str | None) -> None:
    for content in (data, of(postfix(HARD))[: len(data) * 3] + data):
        one = judged(read_returned(content, VERP, AT), address)
        assert len(one.identity) == 32


# --- how often is too often ------------------------------------------------------------------

RULE = SoftRule(limit=5, days=30, block_days=14, zone="Asia/Shanghai")
CHINA = ZoneInfo("Asia/Shanghai")


def noon(day: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("failed", "cleared", "rests"),
    [
        pytest.param([noon(d) for d in (18, 19, 20, 21, 22)], None, True, id="the fifth day"),
        pytest.param([noon(d) for d in (19, 20, 21, 22)], None, False, id="four days"),
        pytest.param([noon(22) + timedelta(minutes=m) for m in range(-9, 1)], None, False,
                     id="ten times in a day"),
        pytest.param([noon(23, 10), *(noon(d) for d in (19, 20, 21, 22))], None, False,
                     id="the first is thirty days ago to the minute"),
        pytest.param([noon(23, 10) + timedelta(minutes=1), *(noon(d) for d in (19, 20, 21, 22))],
                     None, True, id="the first is just within thirty days"),
        pytest.param([noon(d) for d in (18, 19, 20, 21, 22)], noon(18), False,
                     id="what was before a delivery is forgotten"),
        pytest.param([noon(d) for d in (18, 19, 20, 21, 22)], noon(17), True,
                     id="a delivery before all of them changes nothing"),
        pytest.param(
            [datetime.combine(date(2026, 11, d), datetime.min.time(), CHINA) + timedelta(hours=h)
             for d, h in ((19, 0), (19, 23), (20, 0), (21, 1), (22, 2))],
            None, False, id="midnight of the firm parts the days",
        ),
    ],
)  # fmt: skip
def test_when_an_address_rests(
    failed: list[datetime], cleared: datetime | None, rests: bool
) -> None:
    now = noon(22)

    until = rests_until(failed, cleared, now, RULE)

    assert until == (now + timedelta(days=14) if rests else None)
