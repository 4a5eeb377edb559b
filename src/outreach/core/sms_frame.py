"""What goes round every SMS: the registered signature before it, the opt-out wording after it."""

from typing import Final

from outreach.core.words import Purpose

# 拒收请回复R is the wording mainland gateways demand of marketing templates (domain.md CN14).
OPT_OUT: Final = {"zh": "拒收请回复R", "en": " Reply STOP to opt out"}


def sms_prefix(signature: str) -> str:
    """The signature in the brackets the networks look for."""
    return f"【{signature}】"


def sms_suffix(purpose: Purpose, locale: str) -> str:
    """The opt-out wording of a marketing message; nothing for any other purpose."""
    if purpose is not Purpose.MARKETING:
        return ""
    return OPT_OUT["zh" if locale.startswith("zh") else "en"]
