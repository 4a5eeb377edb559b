"""One returned mail, classified: reports first, then words, then flufl.bounce."""

import re
from typing import Final

from outreach.core.bounce import parts
from outreach.core.bounce.fields import address_of, around, delivery, feedback
from outreach.core.bounce.parts import LARGEST, Fields, Parts
from outreach.core.bounce.report import Kind, Report, Returned
from outreach.core.bounce.status import of_failure, status_of

__all__ = ["LARGEST", "classify"]

_ADDRESS: Final = re.compile(r"[^\s<>\"'();,:：\[\]]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
# Where the copy of our own mail begins in reports that carry it as text.
_COPY: Final = re.compile(
    r"^[-\s>]*(?:this is a copy of (?:the|your) message|below this line is a copy"
    r"|original message[-\s]*$|enclosed (?:are the original headers|is a copy)"
    r"|原始邮件|原邮件内容)",
    re.IGNORECASE | re.MULTILINE,
)
_DAEMON: Final = re.compile(r"mailer-?daemon|mail delivery (?:sub)?system|mdaemon", re.IGNORECASE)
_POSTMASTER: Final = re.compile(
    r"postmaster|system administrator|microsoft exchange|10000@qq\.com", re.IGNORECASE
)
_RETURNED: Final = re.compile(
    r"undeliver|not (?:be )?delivered|mail failed|failure delivery|returned mail"
    r"|returning message|return(?:ed)? to sender|delivery (?:has )?fail"
    r"|failure notice|delivery status notification|delivery report|mail delivery|nondeliverable"
    r"|could not be delivered|退信|退件|投递失败|无法投递|delayed|delivery delay",
    re.IGNORECASE,
)
_STILL: Final = re.compile(
    r"still being retried|will (?:be|keep) (?:retried|trying)|will continue to (?:be )?tr"
    r"|not yet been delivered|delayed \d+ hours|delivery (?:is |has been )?delayed"
    r"|仍在(?:重试|尝试)|no action is required on your part|do not need to resend",
    re.IGNORECASE,
)
_AWAY: Final = re.compile(
    r"out of (?:the )?office|auto(?:matic)?[- ]?(?:reply|response|responder)"
    r"|\bvacation\b|\bon leave\b|away from (?:the|my) (?:office|desk|mail)"
    r"|自动回[复覆]|自動回[復覆]|自动答复|休假|外出|度假|不在办公",
    re.IGNORECASE,
)
_REPLIERS: Final = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-qq-auto-reply",
)  # fmt: skip
_PRECEDENCE: Final = frozenset({"auto_reply", "auto-reply", "auto reply"})


def classify(data: bytes) -> Report:
    """What a returned mail says about each recipient. Never raises, whatever the bytes are; a mail
    of nobody's report has one row of kind `not_a_bounce`. Only the first LARGEST bytes are read."""
    mail = parts.read(data)
    told = _COPY.split(mail.text, maxsplit=1)[0]
    envelope = ""
    if mail.feedback:
        rows = feedback(mail.feedback, mail.original)
    elif mail.status:
        rows, envelope = delivery(mail.status, told)
    else:
        rows = []
    rows = rows or _unreported(mail, told)
    return Report(tuple(rows), _reached(mail), mail.original.get("message-id", ""), envelope)


def _reached(mail: Parts) -> tuple[str, ...]:
    """The addresses the mail came to, nearest first. A complaint comes to another mailbox, and
    names our return address in the copy of our mail."""
    names = ("delivered-to", "x-original-to", "envelope-to", "to")
    found = [address_of(mail.headers.get(name, "")) for name in names]
    if mail.feedback:
        found.append(address_of(mail.original.get("return-path", "")))
    return tuple(dict.fromkeys(one for one in found if one))


def _unreported(mail: Parts, told: str) -> list[Returned]:
    """A mail without a report that could be read: by its headers and its words."""
    if mail.receipt:
        return [_nobody(Kind.AUTO_REPLY)]
    failed = _failed(mail.headers)
    if not failed and _answered(mail.headers):
        return [_nobody(Kind.AUTO_REPLY, mail.headers)]
    if not failed and not _is_returned(mail.headers):
        return [_nobody(Kind.NOT_A_BOUNCE)]
    subject = mail.headers.get("subject", "")
    delayed = bool(_STILL.search(f"{subject}\n{told}"))
    people = failed or _named(mail, told)
    if not people:
        return [_worded("", told, delayed) if told.strip() else _nobody(Kind.NOT_A_BOUNCE)]
    alone = len(people) == 1
    return [
        _worded(one, around(told, one) or (told if alone else ""), delayed, told) for one in people
    ]


def _nobody(kind: Kind, headers: Fields | None = None) -> Returned:
    """A row without a report; an automatic answer comes from the recipient himself."""
    return Returned(address_of((headers or {}).get("from", "")), kind)


def _failed(headers: Fields) -> list[str]:
    """Exim names those who failed in a header of its own."""
    return list(dict.fromkeys(_ADDRESS.findall(headers.get("x-failed-recipients", ""))))[:100]


def _is_returned(headers: Fields) -> bool:
    """Whether a mail that holds no report is one all the same: a mail system wrote it, or it came
    from an empty return path and its subject says so. A person writing about a bounce does not."""
    sender = headers.get("from", "")
    if _DAEMON.search(sender):
        return True
    path = headers.get("return-path", "").strip("<> ").lower()
    automatic = "return-path" in headers and (not path or path.startswith("mailer-daemon"))
    automatic = automatic or bool(_POSTMASTER.search(sender))
    return automatic and bool(_RETURNED.search(headers.get("subject", "")))


def _answered(headers: Fields) -> bool:
    """Whether a machine answered for a person (RFC 3834; older marks; subjects of mail programs).
    Mail systems write their reports as auto-replied too, so those are told apart by the sender."""
    if _is_returned(headers):
        return False
    submitted = headers.get("auto-submitted", "no").split(";")[0].strip().lower()
    if submitted.startswith("auto-replied") or any(name in headers for name in _REPLIERS):
        return True
    if headers.get("precedence", "").lower() in _PRECEDENCE:
        return True
    if _AWAY.search(headers.get("subject", "")):
        return True
    return submitted not in ("no", "")


def _worded(address: str, about: str, delayed: bool, told: str = "") -> Returned:
    """A row from words: what stands beside the address, else what the whole text says."""
    if delayed:
        return Returned(address, Kind.DELAYED, status_of("", about), about[:1000])
    status = status_of("", about)
    kind = of_failure(status, about, address)
    return Returned(address, kind, status, " ".join(about.split())[:1000])


def _named(mail: Parts, told: str) -> list[str]:
    """The recipients a report in words speaks of: those set off as Postfix and qmail do, else what
    flufl.bounce finds, which knows the forms of many old programs, else a line that names one, else
    the only address there is beside those of the two mail systems."""
    found = _found(_SET_OFF, told) or _by_flufl(mail) or _found(_NAMED, told)
    if found:
        return found
    known = {*_reached(mail), address_of(mail.headers.get("from", ""))}
    others = set(_ADDRESS.findall(told)) - known
    return list(others) if len(others) == 1 else []


_SET_OFF: Final = re.compile(r"^[ \t]*<([^<>\s]+@[^<>\s]+)>\s*:", re.MULTILINE)
_NAMED: Final = re.compile(
    r"^[ \t]*(?:收\s*件\s*人|recipient)?(?:\s*/\s*To)?\s*[:：]?\s*"
    r"<?([^\s<>;,:：]+@[^\s<>;,]+)>?[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)


def _found(form: re.Pattern[str], told: str) -> list[str]:
    found = dict.fromkeys(match[1] for match in form.finditer(told))
    return [one for one in found if _ADDRESS.fullmatch(one)][:100]


def _by_flufl(mail: Parts) -> list[str]:
    from flufl.bounce import _scan

    # What it logs when a detector trips holds the sender's address. It reads headers as ASCII.
    _scan.log.disabled = True
    try:
        temporary, permanent = _scan.all_failures(parts.parsed(mail.data.translate(_TO_ASCII)))
    except Exception:  # its detectors trip over malformed mails in many ways
        return []
    found = sorted(one.decode("utf-8", "replace") for one in permanent | temporary)
    return [one for one in found if _ADDRESS.fullmatch(one)][:100]


_TO_ASCII: Final = bytes(range(128)) + b"?" * 128
