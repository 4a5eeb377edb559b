"""The shipped profiles, and what a profile may not say."""

import re
from importlib.resources import files

import pytest

from outreach.core.gateway.profile import SHIPPED, parse_profile
from outreach.core.gateway.request import read_number, written_number

FOLDER = files("outreach.data") / "gateways"


def source(name: str) -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def test_the_shipped_profiles_are_those_of_the_table() -> None:
    assert {one.name for one in FOLDER.iterdir()} == {f"{name}.toml" for name in SHIPPED}
    assert all(parse_profile(source(name)).title for name in SHIPPED)


@pytest.mark.parametrize("name", ["aliyun", "tencent"])
def test_every_code_of_a_public_gateway_names_its_source(name: str) -> None:
    table = source(name).partition("[codes]")[2]
    lines = [line for line in table.splitlines() if line.startswith('"')]

    assert len(lines) > 30
    assert [line for line in lines[1:] if not re.search(r"# [ASKP]\b", line)] == []


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("FailedOperation.ContainSensitiveWord", "content"),
        ("InternalError.Timeout", "doubt"),
        ("InternalError.SigVerificationFail", "stopped"),
        ("InvalidParameterValue.IncorrectPhoneNumber", "refused"),
        ("InvalidParameterValue.LimitVerifyFail", "waits"),
        ("LimitExceeded.PhoneNumberDailyLimit", "later"),
        ("LimitExceeded.AppDailyLimit", "throttled"),
        ("UnauthorizedOperation.SerivceSuspendDueToArrears", "stopped"),
        ("isv.SOMETHING", None),
    ],
)
def test_the_longest_beginning_says_what_a_code_means(code: str, meaning: str | None) -> None:
    assert parse_profile(source("tencent")).meaning(code) == meaning


def test_national_numbers_may_not_go_abroad() -> None:
    open_ = source("aliyun").replace('serves = ["+86"]', "serves = []")
    with pytest.raises(ValueError, match="of the mainland only"):
        parse_profile(open_)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("13800138000", "+8613800138000"),
        ("8613800138000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("+8613800138000", "+8613800138000"),
        ("+13105551234", "+13105551234"),
        ("+85291234567", "+85291234567"),
    ],
)
def test_a_number_is_read_however_it_is_written(written: str, read: str) -> None:
    assert read_number(written) == read


def test_a_number_is_written_as_the_gateway_wants_it() -> None:
    by_name = {n: written_number("+8613800138000", parse_profile(source(n))) for n in SHIPPED}

    assert by_name == {
        "aliyun": "13800138000",
        "direct": "13800138000",
        "tencent": "+8613800138000",
    }
