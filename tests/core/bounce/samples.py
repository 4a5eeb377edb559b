"""Returned mails as the programs write them: the same parts, headers and fields; own words.

The forms follow the programs' documentation: Postfix bounce(5), Exim's chapter on bounce messages,
Microsoft's page on non-delivery reports, qmail-send(8), and RFC 3464 and RFC 5965.
"""

import base64
from collections.abc import Sequence

CLIENT = "zhang.san@example.com"
RETURN = "b+tokentokentokentokentokn@bounces.example.net"
OURS = "<20261122.7.42@example.net>"
HEAD = (
    f"From: notice@example.net\nTo: {CLIENT}\nMessage-ID: {OURS}\nSubject: =?utf-8?b?6YCa55+l?=\n"
)


def wire(text: str, charset: str = "utf-8") -> bytes:
    return text.replace("\n", "\r\n").encode(charset)


def fields(
    *,
    recipient: str = CLIENT,
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "",
    original: str = "",
    remote: str = "mx.example.com",
) -> str:
    """One recipient's group of a delivery status."""
    lines = [f"Original-Recipient: rfc822;{original}"] if original else []
    lines += [f"Final-Recipient: rfc822; {recipient}", f"Action: {action}"]
    lines += [f"Status: {status}"] if status else []
    lines += [f"Remote-MTA: dns; {remote}"] if remote else []
    lines += [f"Diagnostic-Code: smtp; {diagnostic}"] if diagnostic else []
    return "\n".join(lines) + "\n"


def postfix(*groups: str, subject: str = "Undelivered Mail Returned to Sender") -> bytes:
    """bounce(5): readable part, delivery status, the original."""
    status = "Reporting-MTA: dns; mx.example.net\nX-Postfix-Queue-ID: 4F1\n" + (
        f"X-Postfix-Sender: rfc822; {RETURN}\nOriginal-Envelope-Id: run7-42\n\n"
    )
    return wire(
        f"Return-Path: <>\nDelivered-To: {RETURN}\n"
        "From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\n"
        f"Subject: {subject}\nTo: {RETURN}\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"4F1/mx\"\n\n"
        "--4F1/mx\nContent-Description: Notification\nContent-Type: text/plain\n\n"
        "This is the mail system at host mx.example.net.\n\n"
        "--4F1/mx\nContent-Description: Delivery report\nContent-Type: message/delivery-status\n\n"
        + status + "\n".join(groups)
        + "\n--4F1/mx\nContent-Description: Undelivered Message\nContent-Type: message/rfc822\n\n"
        f"Return-Path: <{RETURN}>\n{HEAD}\nText.\n\n--4F1/mx--\n"
    )  # fmt: skip


def exim(words: str, *groups: str) -> bytes:
    """Exim marks its bounces as replies and writes Status: 5.0.0 whatever is wrong."""
    status = "\n".join(groups)
    return wire(
        f"Return-path: <>\nX-Failed-Recipients: {CLIENT}\nAuto-Submitted: auto-replied\n"
        "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\n"
        f"To: {RETURN}\nReferences: {OURS}\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=1669-eximdsn\n"
        "Subject: Mail delivery failed: returning message to sender\n\n"
        "--1669-eximdsn\nContent-type: text/plain; charset=us-ascii\n\n"
        "This message was created automatically by mail delivery software.\n\n"
        f"  {CLIENT}\n    {words}\n\n"
        "--1669-eximdsn\nContent-type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example.net\n\n{status}\n"
        f"--1669-eximdsn\nContent-type: message/rfc822\n\n{HEAD}\nText.\n--1669-eximdsn--\n"
    )


def exim_plain(words: str) -> bytes:
    """Exim before 4.85: text only."""
    return wire(
        f"Return-path: <>\nX-Failed-Recipients: {CLIENT}\nAuto-Submitted: auto-replied\n"
        "From: Mail Delivery System <Mailer-Daemon@mx.example.net>\n"
        "Subject: Mail delivery failed: returning message to sender\n\n"
        f"This message was created automatically by mail delivery software.\n\n  {CLIENT}\n"
        f"    {words}\n\n------ This is a copy of the message. ------\n\n"
        f"{HEAD}\nUser unknown, mailbox full, spam: words of ours.\n"
    )


def exchange(diagnostic: str, status: str) -> bytes:
    """Exchange: the readable part is HTML, the report names no remote server."""
    html = f"<html><body><b>Delivery has failed</b><p>{CLIENT}</p><p>x &nbsp; y</p></body></html>"
    report = fields(status=status, diagnostic=diagnostic, remote="")
    return wire(
        "From: <postmaster@example.com>\nSubject: Undeliverable: Notice\n"
        f"To: <{RETURN}>\nMIME-Version: 1.0\nX-MS-Exchange-Message-Is-Ndr:\n"
        "Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"_77_\"\n\n"
        "--_77_\nContent-Type: multipart/alternative; boundary=\"_78_\"\n\n"
        f"--_78_\nContent-Type: text/html; charset=\"us-ascii\"\n\n{html}\n--_78_--\n"
        "--_77_\nContent-Type: message/delivery-status\n\nReporting-MTA: dns;EX1.example.com\n\n"
        f"{report}\n--_77_\nContent-Type: message/rfc822\n\n{HEAD}\nText.\n--_77_--\n"
    )  # fmt: skip


def encoded(text: str, charset: str) -> str:
    return base64.encodebytes(text.encode(charset)).decode()


def coremail(reason: str, charset: str = "gb2312", encoding: str = "gb18030") -> bytes:
    """163, 126 and others on Coremail: Chinese text in base64, and no delivery status."""
    text = (
        "您的邮件未能送达\n原邮件信息：\n    时  间 2026-11-22 10:00:00\n"
        f"    收件人 {CLIENT}\n退信原因：\n    {reason}\n"
    )
    return wire(
        "From: Postmaster@163.com\nReturn-Path: <>\n"
        f"To: {RETURN}\nSubject: =?gb2312?B?z7XNs83L0MU=?=\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="cm"\n\n'
        f"--cm\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: base64\n\n"
        f"{encoded(text, encoding)}\n--cm\nContent-Type: message/rfc822\n\n{HEAD}\nText.\n--cm--\n"
    )


def qq(reason: str) -> bytes:
    """QQ: one HTML part in GB18030."""
    html = f"<div>很抱歉，邮件发送失败</div><div>收件人：{CLIENT}</div><p>{reason}</p>"
    return wire(
        f"From: \"QQMail\" <10000@qq.com>\nReturn-Path: <>\nTo: <{RETURN}>\n"
        "Subject: =?gb18030?B?z7XNs83L0MU=?=\nMIME-Version: 1.0\n"
        "Content-Type: text/html; charset=\"gb18030\"\nContent-Transfer-Encoding: base64\n\n"
        + encoded(html, "gb18030")
    )  # fmt: skip


def qmail(reason: str) -> bytes:
    return wire(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example.com\nSubject: failure notice\n\n"
        f"Hi. This is the qmail-send program at mx.example.com.\n\n<{CLIENT}>:\n{reason}\n\n"
        f"--- Below this line is a copy of the message.\n\n{HEAD}\nText.\n"
    )


def complaint(sort: str = "abuse", people: Sequence[str] = (CLIENT,)) -> bytes:
    """A feedback report of a mailbox provider (RFC 5965)."""
    told = "".join(f"Original-Rcpt-To: <{one}>\n" for one in people)
    return wire(
        "From: <abuse@isp.example>\nSubject: FW: Notice\nTo: <fbl@example.net>\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=\"f\"\n\n"
        "--f\nContent-Type: text/plain\n\nThis is an email abuse report.\n"
        f"--f\nContent-Type: message/feedback-report\n\nFeedback-Type: {sort}\n"
        f"User-Agent: Gen/1\nVersion: 1\n{told}\n"
        f"--f\nContent-Type: message/rfc822\n\nReturn-Path: <{RETURN}>\n{HEAD}\nText.\n--f--\n"
    )  # fmt: skip


def letter(*headers: str, subject: str = "Re: Notice", text: str = "Hello.") -> bytes:
    """A mail from a person, or from a machine of his."""
    lines = "".join(f"{one}\n" for one in headers)
    return wire(f"From: {CLIENT}\nTo: {RETURN}\nSubject: {subject}\n{lines}\n{text}\n")
