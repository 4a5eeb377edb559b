"""Cells that a spreadsheet must not run: text from outside never becomes a formula."""

import re
from typing import Final

# What Excel, LibreOffice and WPS begin a formula with, or strip before looking for one
# (OWASP, "CSV injection"); full-width forms count on Chinese and Japanese systems.
_STARTS: Final = frozenset("=+-@\t\r\n＝＋－＠")
# A phone in E.164, masked or not, is read as a number at worst and never runs.
_PHONE: Final = re.compile(r"\+[0-9]{1,15}(\*{4}[0-9]{4})?")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def inert(text: str) -> str:
    """The text with an apostrophe before it when a spreadsheet might run it; phones and plain
    numbers stay as they are."""
    if not text or text[0] not in _STARTS:
        return text
    if _PHONE.fullmatch(text) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"
