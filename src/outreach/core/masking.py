"""How personal data are shown: enough to recognise a client one knows, too little to write to one.

The usual forms of the trade (JR/T 0171-2020, appendix A, asks for masking where data are shown):
`138****1234`, `z***@example.com`, `张*`, `J. D***`.
"""

import re
from typing import Final

# Family names of two characters.
_COMPOUND: Final = frozenset({
    "欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "万俟", "闻人", "夏侯", "诸葛",
    "尉迟", "公羊", "赫连", "澹台", "皇甫", "宗政", "濮阳", "公冶", "太叔", "申屠", "公孙", "慕容",
    "仲孙", "钟离", "长孙", "宇文", "司徒", "鲜于", "司空", "令狐",
})  # fmt: skip


def masked_phone(phone: str | None) -> str:
    """`+8613812341234` -> `138****1234`; other countries keep the last four: `+852****5678`."""
    if not phone:
        return ""
    if phone.startswith("+86") and len(phone) == 14:
        return f"{phone[3:6]}****{phone[-4:]}"
    prefix = phone[:4] if phone.startswith("+") and len(phone) >= 11 else ""
    return f"{prefix}****{phone[-4:]}" if len(phone) > 6 else "****"


def masked_email(email: str | None) -> str:
    """`zhang@example.com` -> `z***@example.com`."""
    if not email:
        return ""
    box, at, domain = email.rpartition("@")
    return f"{box[:1]}***@{domain}" if at else "***"


def masked_name(name: str | None) -> str:
    """`张三丰` -> `张**`, `欧阳娜娜` -> `欧阳**`, `John Doe` -> `J. D***`."""
    if not name:
        return ""
    if name.isascii():
        *given, family = name.split() or [""]
        return " ".join([*(f"{part[0]}." for part in given), f"{family[:1]}***"])
    shown = 2 if name[:2] in _COMPOUND and len(name) > 2 else 1
    return name[:shown] + "*" * min(max(len(name) - shown, 1), 3)


_MAILBOX: Final = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")
# Not inside a longer word, so that digests and reference numbers of a provider stay whole.
_PHONE: Final = re.compile(r"(?<![0-9A-Za-z])\+?[0-9]{7,15}(?![0-9A-Za-z])")


def masked_text(text: str) -> str:
    """Free text, such as a server's answer, with the mailboxes and phone numbers in it masked."""
    masked = _MAILBOX.sub(lambda found: masked_email(found[0]), text)
    return _PHONE.sub(lambda found: masked_phone(found[0]), masked)


def masked_address(channel: str, address: str) -> str:
    """A phone number or a mailbox, whichever the channel writes to. An app notification goes to a
    client number, which is shown everywhere."""
    if channel == "push":
        return address
    return masked_phone(address) if channel == "sms" else masked_email(address)
