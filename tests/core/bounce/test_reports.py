"""Returned mails that carry a report a machine can read (RFC 3464, RFC 5965)."""

import pytest

from outreach.core.bounce import Kind, classify
from tests.core.bounce.samples import (
    CLIENT,
    OURS,
    RETURN,
    complaint,
    exchange,
    exim,
    fields,
    postfix,
)


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "kind", "suppresses"),
    [
        # What a Postfix relay answers for each recipient domain of the test world.
        ("failed", "5.1.1", "550 5.1.1 no such user", Kind.HARD, True),
        ("failed", "5.2.2", "552 5.2.2 over quota", Kind.SOFT, False),
        ("delayed", "4.2.1", "450 4.2.1 busy", Kind.DELAYED, False),
        ("failed", "4.2.1", "450 4.2.1 busy", Kind.SOFT, False),
        ("failed", "5.6.7", "SMTPUTF8 is required, but was not offered", Kind.CONTENT, False),
        ("relayed", "2.0.0", "250 2.0.0 Ok", Kind.SUCCESS, False),
        ("delivered", "2.1.5", "250 2.1.5 Ok", Kind.SUCCESS, False),
        ("expanded", "2.1.5", "", Kind.SUCCESS, False),
        ("failed", "5.1.2", "550 5.1.2 no such domain", Kind.HARD, True),
        ("failed", "5.7.1", "554 5.7.1 refused by policy", Kind.POLICY, False),
        ("failed", "4.4.1", "", Kind.SOFT, False),
        # The code in the field says nothing; the one of the server counts.
        ("failed", "5.0.0", "550 5.1.1 <x@example.com>... rejected", Kind.HARD, True),
        ("failed", "5.0.0", "550 unexplained", Kind.SOFT, False),
        ("failed", "5.0.0", "451 4.7.1 greylisted, try later", Kind.SOFT, False),
        # Without an action, the code decides.
        ("", "2.0.0", "", Kind.SUCCESS, False),
        ("", "4.4.7", "", Kind.DELAYED, False),
        ("", "5.1.1", "", Kind.HARD, True),
    ],
)
def test_a_recipient_of_a_report_is(
    action: str, status: str, diagnostic: str, kind: Kind, suppresses: bool
) -> None:
    group = fields(action=action, status=status, diagnostic=diagnostic)
    (row,) = classify(postfix(group)).rows

    assert (row.recipient, row.kind, row.suppresses) == (CLIENT, kind, suppresses)


def test_each_recipient_of_one_report_is_judged_alone() -> None:
    report = classify(
        postfix(
            fields(recipient="a@example.com", diagnostic="550 5.1.1 User unknown"),
            fields(recipient="b@example.com", status="5.2.2", diagnostic="552 5.2.2 Mailbox full"),
            fields(recipient="c@example.com", action="delivered", status="2.0.0"),
        )
    )

    assert [(row.recipient, row.kind) for row in report.rows] == [
        ("a@example.com", Kind.HARD), ("b@example.com", Kind.SOFT), ("c@example.com", Kind.SUCCESS),
    ]  # fmt: skip


def test_a_report_says_whose_message_it_was_and_what_was_said() -> None:
    group = fields(diagnostic="550 5.1.1 <x@y>: User unknown\n in virtual mailbox table")
    report = classify(postfix(group))
    (row,) = report.rows

    assert (report.reached, report.message_id, report.envelope_id) == ((RETURN,), OURS, "run7-42")
    assert (row.status, row.remote, row.action) == ("5.1.1", "mx.example.com", "failed")
    assert row.diagnostic == "550 5.1.1 <x@y>: User unknown in virtual mailbox table"


def test_a_forwarded_mail_is_counted_against_the_address_we_wrote_to() -> None:
    group = fields(recipient="old@elsewhere.example", original=CLIENT)
    (row,) = classify(postfix(group)).rows

    assert (row.recipient, row.final) == (CLIENT, "old@elsewhere.example")


def test_an_internationalised_recipient_is_read() -> None:
    group = "Final-Recipient: utf-8; \\x{5F20}@example.com\nAction: failed\nStatus: 5.1.1\n"
    data = postfix(group).replace(b"message/delivery-status", b"message/global-delivery-status")
    (row,) = classify(data).rows

    assert (row.recipient, row.kind) == ("张@example.com", Kind.HARD)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"multipart/report; report-type=delivery-status;", b"multipart/mixed;"),
        (b"message/delivery-status", b"text/plain"),
        (b"message/delivery-status", b"MESSAGE/Delivery-Status; charset=gb2312"),
        (b"\r\n", b"\n"),
    ],
)
def test_a_report_in_the_wrong_wrapping_is_read_all_the_same(old: bytes, new: bytes) -> None:
    (row,) = classify(postfix(fields()).replace(old, new)).rows

    assert (row.recipient, row.kind) == (CLIENT, Kind.HARD)


@pytest.mark.parametrize(
    ("words", "groups", "kind"),
    [
        ("Unrouteable address", [fields(status="5.0.0", remote="")], Kind.HARD),
        ("retry timeout exceeded", [fields(status="5.0.0", remote="")], Kind.SOFT),
        (
            f"host mx.example.com [192.0.2.1]: 550 5.1.1 <{CLIENT}>: User unknown",
            [fields(status="5.0.0", diagnostic="550 5.1.1 User unknown")],
            Kind.HARD,
        ),
    ],
)
def test_exim_writes_one_code_for_everything_and_says_the_rest_in_words(
    words: str, groups: list[str], kind: Kind
) -> None:
    (row,) = classify(exim(words, *groups)).rows

    assert (row.recipient, row.kind) == (CLIENT, kind)


@pytest.mark.parametrize(
    ("diagnostic", "status", "kind"),
    [
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", "5.1.10", Kind.HARD),
        ("550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found", "5.1.1", Kind.HARD),
        ("554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceeded", "5.2.2", Kind.SOFT),
        ("550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup", "5.7.133", Kind.POLICY),
        ("550 5.4.1 [a@b]: Recipient address rejected: Access denied", "5.4.1", Kind.HARD),
        ("550 5.4.310 DNS domain example.com does not exist", "5.4.310", Kind.HARD),
        ("550 4.4.7 QUEUE.Expired; message expired", "4.4.7", Kind.SOFT),
        ("550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large", "5.2.3", Kind.CONTENT),
        ("550 5.4.14 Hop count exceeded - possible mail loop", "5.4.14", Kind.SOFT),
    ],
)
def test_exchange_says(diagnostic: str, status: str, kind: Kind) -> None:
    (row,) = classify(exchange(diagnostic, status)).rows

    assert (row.recipient, row.kind, row.status) == (CLIENT, kind, status)


@pytest.mark.parametrize("sort", ["abuse", "fraud", "other", "virus", "opt-out", ""])
def test_a_complaint_is_an_objection_to_everything(sort: str) -> None:
    report = classify(complaint(sort))

    assert [(row.recipient, row.kind) for row in report.rows] == [(CLIENT, Kind.COMPLAINT)]
    assert report.rows[0].suppresses
    assert (report.message_id, RETURN in report.reached) == (OURS, True)


@pytest.mark.parametrize("sort", ["not-spam", "auth-failure"])
def test_other_feedback_is_no_complaint(sort: str) -> None:
    (row,) = classify(complaint(sort)).rows

    assert (row.kind, row.suppresses) == (Kind.NOT_A_BOUNCE, False)


def test_a_complaint_that_hides_the_recipient_is_read_from_our_own_mail() -> None:
    assert [row.recipient for row in classify(complaint(people=[])).rows] == [CLIENT]
    both = classify(complaint(people=["a@example.com", "b@example.com"]))
    assert [row.recipient for row in both.rows] == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (
            "Host or domain name not found. "
            "Name service error for name=example.com type=A: Host not found",
            Kind.HARD,
        ),
        (
            "Host or domain name not found. "
            "Name service error for name=relay.example.net type=A: Host not found",
            Kind.SOFT,
        ),
        (
            "Host or domain name not found. "
            "Name service error for name=mx.example.com type=A: Host not found",
            Kind.SOFT,
        ),
        ("unable to look up host example.com: Name or service not known", Kind.HARD),
        ("unable to look up host relay: Name or service not known", Kind.SOFT),
        ("Sorry, I couldn't find any host named example.com. (#5.1.2)", Kind.HARD),
        ("unexplained", Kind.SOFT),
    ],
)
def test_a_name_that_does_not_exist_is_hard_only_where_it_is_the_recipients_domain(
    said: str, kind: Kind
) -> None:
    """Else a relay misspelt in one of our own files would silence every client."""
    group = fields(status="5.4.4", remote="").rstrip() + f"\nDiagnostic-Code: X-Postfix; {said}\n"

    assert [row.kind for row in classify(postfix(group)).rows] == [kind]
