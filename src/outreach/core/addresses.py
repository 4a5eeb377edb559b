"""Phone numbers in E.164 and e-mail addresses by syntax, a column at a time."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from outreach.core.cell_text import clean, half_width
from outreach.core.cells import DESTROYED, Bad

OK: Final = "ok"
MISSING: Final = "missing"
INVALID: Final = "invalid"


class Address(NamedTuple):
    """`value` is canonical when `state` is ok, and as it was written when it is invalid."""

    value: str | None
    state: str  # ok | missing | invalid
    country: str | None = None  # of the phone number


class Addresses(NamedTuple):
    """A column of addresses. `invalid` and `destroyed` name the rows and what is wrong."""

    values: list[str | None]
    states: list[str]
    countries: list[str | None]
    invalid: dict[int, Bad]
    destroyed: dict[int, Bad]


_NONE: Final = Address(None, MISSING)
_PLAIN_MOBILE: Final = re.compile(r"1[3-9]\d{9}")
_DRESSED_MOBILE: Final = re.compile(r"(?:(?:\+|00)?86)?(1[3-9]\d{9})")
_NORTH_AMERICA: Final = frozenset({"US", "CA"})
_TRIMMINGS: Final = str.maketrans("", "", " -()\u00a0\u2010\u2011\u2013.")
_FIX_PHONE: Final = "write one mobile number, such as 13812345678 or +85291234567"
_FIX_EMAIL: Final = "write one address, such as name@example.com"
_DESTROYED: Final = Bad(
    "a spreadsheet turned the number into scientific notation and its digits are lost",
    "export it again with the column formatted as text",
)


def phone(cell: str, country: str) -> Address | Bad:
    """One phone cell. `country` (ISO) reads numbers without a prefix. Bad: destroyed by Excel."""
    written = half_width(clean(cell))
    if not written:
        return _NONE
    if DESTROYED.fullmatch(written):
        return _DESTROYED
    bare = written.removesuffix(".0").translate(_TRIMMINGS)
    if found := _DRESSED_MOBILE.fullmatch(bare):
        # 13105550101 is a mobile in China and a line in Los Angeles: nobody can know whose.
        if country in _NORTH_AMERICA and bare == found[1]:
            also = _parsed(written, bare, country)
            if also.state == OK:
                return Address(written, INVALID)
        return Address("+86" + found[1], OK, "CN")
    return _parsed(written, bare, country)


def _parsed(written: str, bare: str, country: str) -> Address:
    import phonenumbers
    from phonenumbers import PhoneNumberType

    if bare.startswith("00"):
        bare = "+" + bare[2:]
    invalid = Address(written[:32], INVALID)
    if not re.fullmatch(r"\+?\d{5,15}", bare):
        return invalid
    try:
        number = phonenumbers.parse(bare, country)
    except phonenumbers.NumberParseException:
        return invalid
    if not phonenumbers.is_valid_number(number):
        return invalid
    if phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE:
        return invalid  # no SMS reaches it
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Address(value, OK, phonenumbers.region_code_for_number(number))


def phone_column(
    cells: Sequence[str], default: str, countries: Sequence[str | None] | None = None
) -> Addresses:
    """A column of phones. A number without a prefix is read in its client's country, then in the
    default one. Plain mainland mobiles, nearly all of them, take one pattern and no library."""
    plain = _PLAIN_MOBILE.fullmatch
    values: list[str | None] = ["+86" + cell if plain(cell) else None for cell in cells]
    states = [OK] * len(values)
    found: list[str | None] = ["CN"] * len(values)
    result = Addresses(values, states, found, {}, {})
    homes = countries or [None] * len(values)
    for row, (value, lives) in enumerate(zip(values, homes, strict=True)):
        home = lives or default
        if value is None or home in _NORTH_AMERICA:
            _place(result, row, phone(cells[row], home), _FIX_PHONE, "no phone an SMS can reach")
    return result


# The common shape; anything else goes to the library. Reserved ends (RFC 2606) reach nobody.
_COMMON_EMAIL: Final = re.compile(
    r"(?=.{6,254}$)[a-z0-9_+-]{1,64}(?:\.[a-z0-9_+-]{1,63}){0,8}"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}"
    r"(?!(?:invalid|test|local|localhost|example|arpa|onion)$)[a-z]{2,24}"
)


def email(cell: str) -> Address:
    """One e-mail cell: lower case, half-width, checked by syntax only (no network)."""
    written = half_width(clean(cell))
    if not written:
        return _NONE
    address = written.lower()
    if _COMMON_EMAIL.fullmatch(address):
        return Address(address, OK)
    from email_validator import EmailNotValidError, validate_email

    try:
        checked = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return Address(written, INVALID)
    return Address(checked.ascii_email or address, OK)


def email_column(cells: Sequence[str]) -> Addresses:
    """A column of e-mail addresses."""
    common = _COMMON_EMAIL.fullmatch
    values: list[str | None] = [cell if common(cell) else None for cell in cells]
    result = Addresses(values, [OK] * len(values), [None] * len(values), {}, {})
    for row, value in enumerate(values):
        if value is None:
            _place(result, row, email(cells[row]), _FIX_EMAIL, "no e-mail address")
    return result


def _place(into: Addresses, row: int, read: Address | Bad, fix: str, wrong: str) -> None:
    if isinstance(read, Bad):
        into.destroyed[row] = read
        read = Address(None, INVALID)
    elif read.state == INVALID:
        into.invalid[row] = Bad(f"this is {wrong}; the client is taken without it", fix)
    into.values[row], into.states[row], into.countries[row] = read
