"""What goes round every SMS: the registered signature before it, the opt-out wording after it."""

from typing import Final

from outreach.core.words import Purpose

# Both need consent, and what needs consent offers a way out.
_OFFERS_OPT_OUT: Final = (Purpose.MARKETING, Purpose.SURVEY)


def sms_frame(signature: str, opt_out: str, purpose: Purpose, locale: str) -> tuple[str, str]:
    """(before, after) the text of an SMS; marketing and surveys end with the opt-out wording.

    Mainland networks look for the signature in 【】, elsewhere plain brackets keep GSM-7.
    """
    before = f"【{signature}】" if locale.startswith("zh") else f"[{signature}] "
    return before, opt_out if purpose in _OFFERS_OPT_OUT else ""
