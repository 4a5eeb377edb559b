"""Returned mails that say it in words only, and mails that are no bounces at all."""

import pytest

from outreach.core.bounce import Kind, classify
from tests.core.bounce.samples import (
    CLIENT,
    coremail,
    exim_plain,
    fields,
    letter,
    postfix,
    qmail,
    qq,
    wire,
)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        # Gmail
        ("550-5.1.1 The email account that you tried to reach does not exist.", Kind.HARD),
        ("550 5.2.1 The email account that you tried to reach is disabled.", Kind.HARD),
        ("552 5.2.2 The email account that you tried to reach is over quota.", Kind.SOFT),
        (
            "550 5.2.1 The user you are trying to contact is receiving mail at a rate that",
            Kind.SOFT,
        ),
        ("550 5.7.26 This mail is unauthenticated", Kind.POLICY),
        ("552 5.7.0 This message was blocked: it is a potential security issue", Kind.CONTENT),
        ("550-5.7.1 this message is likely unsolicited mail", Kind.CONTENT),
        ("552 5.3.4 Your message exceeds the size limit", Kind.CONTENT),
        # Outlook.com
        ("550 5.5.0 Requested action not taken: mailbox unavailable", Kind.HARD),
        ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", Kind.POLICY),
        # QQ
        ("550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?id=20022", Kind.HARD),
        ("550 Mailbox unavailable or access denied", Kind.POLICY),
        ("550 Mail content denied. http://service.mail.qq.com/cgi-bin/help", Kind.CONTENT),
        ("550 Sender frequency limited.", Kind.POLICY),
        ("550 Ip frequency limited", Kind.POLICY),
        ("550 Suspected spam ip", Kind.POLICY),
        ("550 SPF check failed", Kind.POLICY),
        ("550 Mail is rejected by recipients", Kind.POLICY),
        ("501 Bad address syntax.", Kind.HARD),
        # 163, 126, yeah.net
        ("550 User not found: zhang.san@163.com", Kind.HARD),
        ("550 Invalid User", Kind.HARD),
        ("550 User suspended", Kind.HARD),
        ("550 User in blacklist", Kind.POLICY),
        ("554 DT:SPM 163 smtp1,GdxpCgCn15", Kind.CONTENT),
        ("550 DT:SPM", Kind.CONTENT),
        ("554 DT:SUM 163 smtp1", Kind.POLICY),
        ("550 RP:TRC", Kind.POLICY),
        ("554 HL:IPB", Kind.POLICY),
        ("550 MI:SPF 163 smtp1", Kind.POLICY),
        ("552 Illegal Attachment", Kind.CONTENT),
        ("552 Requested mail action aborted: exceeded mailsize limit", Kind.CONTENT),
        ("451 DT:SPM, please try again", Kind.SOFT),
        ("421 HL:REP", Kind.SOFT),
        # Sina
        ("550 mailbox unavailable.", Kind.HARD),
        ("450 mailbox unavailable.", Kind.SOFT),
        ("550 user is locked.", Kind.HARD),
        ("552 message rejected by anti-spam engine.", Kind.CONTENT),
        ("550 black ip.", Kind.POLICY),
        ("553 host denies the sender.", Kind.POLICY),
        ("554 rbl deny.", Kind.POLICY),
        # Others; and words that only the name of a host or a page holds
        ("521 this host takes no mail", Kind.HARD),
        ("556 no mail for this domain", Kind.HARD),
        ("550 no", Kind.SOFT),
        ("552 no room", Kind.SOFT),
        ("host relay.blacklist.example said: 550 no", Kind.SOFT),
        ("550 no, see https://example.com/spam/user-unknown", Kind.SOFT),
        ("550 no <virus@spamhaus.example>", Kind.SOFT),
    ],
)
def test_an_answer_of_a_server_means(answer: str, kind: Kind) -> None:
    (row,) = classify(postfix(fields(status="5.0.0", diagnostic=answer))).rows

    assert row.kind is kind


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("收件人不存在 英文说明: User not found", Kind.HARD),
        ("对方邮箱空间不足", Kind.SOFT),
        ("被怀疑为是垃圾邮件，拒绝接收。英文说明:rejected by system", Kind.CONTENT),
        ("英文说明:Can not connect to example.com:192.0.2.1:25", Kind.SOFT),
        ("原因不明", Kind.SOFT),
    ],
)
def test_what_163_writes_in_chinese_is_read(reason: str, kind: Kind) -> None:
    (row,) = classify(coremail(reason)).rows

    assert (row.recipient, row.kind) == (CLIENT, kind)


@pytest.mark.parametrize("declared", ["gb2312", "utf-8", "gb18030", "no-such-charset", '""'])
def test_chinese_is_read_whatever_was_declared(declared: str) -> None:
    (row,) = classify(coremail("收件人不存在：㐂䶮", charset=declared)).rows

    assert row.kind is Kind.HARD
    assert "㐂䶮" in row.diagnostic


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("该用户不存在", Kind.HARD),
        ("该用户未开通QQ邮箱", Kind.HARD),
        ("收件人空间不足", Kind.SOFT),
        ("host mx.example.com[192.0.2.1] said: 550 Mail content denied", Kind.CONTENT),
    ],
)
def test_what_qq_writes_in_html_is_read(reason: str, kind: Kind) -> None:
    (row,) = classify(qq(reason)).rows

    assert (row.recipient, row.kind) == (CLIENT, kind)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (exim_plain("Unrouteable address"), Kind.HARD),
        (exim_plain("mailbox is full"), Kind.SOFT),
        (exim_plain("something else"), Kind.SOFT),  # the words of our own mail do not count
        (qmail("Sorry, no mailbox here by that name. (#5.1.1)"), Kind.HARD),
        (qmail("Remote host said: 552 5.2.2 Over quota"), Kind.SOFT),
        (qmail("I'm not going to try again; this has been in the queue too long."), Kind.SOFT),
    ],
)
def test_a_bounce_in_words_alone_is_read(data: bytes, kind: Kind) -> None:
    (row,) = classify(data).rows

    assert (row.recipient, row.kind) == (CLIENT, kind)


def test_a_mail_system_that_marks_its_bounce_as_a_reply_has_bounced_it() -> None:
    data = b"Auto-Submitted: auto-replied\r\n" + qmail("550 5.1.1 User unknown")

    assert [row.kind for row in classify(data).rows] == [Kind.HARD]


@pytest.mark.parametrize("mark", ["----- Original message -----", "Below this line is a copy"])
def test_the_words_of_our_own_mail_do_not_count(mark: str) -> None:
    data = wire(
        "From: MAILER-DAEMON@mx.example.com\nSubject: failure notice\n\n"
        f"Not delivered: {CLIENT}\n\n{mark}\n\nWhat does 'user unknown' mean?\n"
    )
    (row,) = classify(data).rows

    assert (row.recipient, row.kind) == (CLIENT, Kind.SOFT)


def test_a_warning_in_words_alone_is_a_delay() -> None:
    data = qmail("Delivery has been delayed; no action is required on your part. User unknown")

    assert [row.kind for row in classify(data).rows] == [Kind.DELAYED]


def test_an_old_form_is_found_by_flufl_bounce_and_judged_by_its_words() -> None:
    text = "Your message\n\n  Sent: today\n\ndid not reach the following recipient(s):\n\n"
    told = f"{CLIENT} on Sun, 22 Nov 2026 10:00:00 +0800\n    The mailbox is full\n"
    data = wire(
        "From: System Administrator <postmaster@example.com>\nSubject: Undeliverable: Notice\n"
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"x\"\n\n"
        f"--x\nContent-Type: text/plain\n\n{text}{told}\n--x--\n"
    )  # fmt: skip
    (row,) = classify(data).rows

    assert (row.recipient, row.kind) == (CLIENT, Kind.SOFT)


@pytest.mark.parametrize(
    "data",
    [
        letter("Auto-Submitted: auto-replied", subject="Re: Notice"),
        letter("Auto-Submitted: auto-replied (vacation)", text="550 5.1.1 user unknown"),
        letter("Auto-Submitted: auto-generated"),
        letter("X-Autoreply: yes"),
        letter("X-Autorespond: Notice"),
        letter("Precedence: auto_reply"),
        letter(subject="自动回复：通知"),
        letter(subject="=?gb2312?B?19S2r7vYuLQ=?= Notice"),
        letter(subject="自動回覆: 通知"),
        letter(subject="休假中"),
        letter(subject="Out of Office: Notice"),
        letter(subject="Automatic reply: Notice", text="mailbox full"),
        letter("Return-Path: <>", subject="Out of the office"),
    ],
)
def test_an_answer_of_a_machine_never_suppresses(data: bytes) -> None:
    (row,) = classify(data).rows

    assert (row.kind, row.suppresses, row.recipient) == (Kind.AUTO_REPLY, False, CLIENT)


def test_a_notice_that_a_mail_was_read_is_an_answer_of_a_machine() -> None:
    data = postfix(fields()).replace(b"delivery-status", b"disposition-notification")

    assert [row.kind for row in classify(data).rows] == [Kind.AUTO_REPLY]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        letter(),
        letter("Auto-Submitted: no", subject="Mail delivery failed?", text="550 user unknown"),
        letter(text=f"Why this?\n> <{CLIENT}>: host said: 550 5.1.1 User unknown"),
        letter("Content-Type: message/rfc822", text=postfix(fields()).decode()),
    ],
)
def test_a_letter_is_no_bounce_whatever_it_quotes_or_encloses(data: bytes) -> None:
    (row,) = classify(data).rows

    assert (row.kind, row.suppresses) == (Kind.NOT_A_BOUNCE, False)


def test_only_hard_bounces_and_complaints_suppress() -> None:
    from outreach.core.bounce import Returned

    assert [kind for kind in Kind if Returned(CLIENT, kind).suppresses] == [
        Kind.HARD, Kind.COMPLAINT,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "counts"), [("5.2.2", True), ("4.2.1", True), ("", True), ("4.7.1", False)]
)
def test_a_soft_bounce_counts_unless_it_is_about_the_sender(status: str, counts: bool) -> None:
    from outreach.core.bounce import Returned

    assert Returned(CLIENT, Kind.SOFT, status).counts is counts
    assert not Returned(CLIENT, Kind.HARD, "5.1.1").counts
