"""`check` of the [web] table: what has to agree with it is told with what to write."""

from pathlib import Path

import pytest

from outreach.project.check import check
from tests.project.small_project import make_project

WEB = """
[senders.abroad]
kind = "twilio_sms"
address = "+15005550006"
account = "AC00000000000000000000000000000000"
receipts_url = "https://outreach.example.com/twilio/abroad/status"

[senders.mainland]
kind = "sms_gateway_http"
address = "95000"
profile = "direct"
account = "1"
base_url = "https://sms.example.com"
push_from = ["203.0.113.0/24"]

[web]
public_url = "https://outreach.example.com"
trusted_proxies = ["10.0.0.0/8"]
"""


def said(folder: Path, old: str = "", new: str = "") -> list[str]:
    """What `check` says of a small project with a door, one of its lines changed before."""
    path = make_project(folder)
    text = path.read_text(encoding="utf-8") + WEB
    assert old in text
    path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
    _, problems = check(path)
    return [f"{one.key}: {one.wrong}, {one.write}" for one in problems]


def test_a_door_as_it_should_be_has_no_fault(tmp_path: Path) -> None:
    assert said(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "example.com/twilio/abroad/status", "example.com/twilio/main/status",
            "senders.abroad.receipts_url: does not lead to [web]: its receipts would be lost,"
            ' write "https://outreach.example.com/twilio/abroad/status"',
            id="receipts of another sender",
        ),
        pytest.param(
            "https://outreach.example.com/twilio", "https://other.example.com/twilio",
            "senders.abroad.receipts_url: does not lead to [web]: its receipts would be lost,"
            ' write "https://outreach.example.com/twilio/abroad/status"',
            id="receipts to another host",
        ),
        pytest.param(
            'public_url = "https://', 'public_url = "http://',
            "web.public_url: is not an https address, write https://HOST, or https://HOST/PATH,"
            " without a slash at its end",
            id="not https",
        ),
        pytest.param(
            'public_url = "https://outreach.example.com', 'public_url = "https://outreach.example.com/',
            "web.public_url: ends with a slash, write https://HOST, or https://HOST/PATH,"
            " without a slash at its end",
            id="a slash at the end",
        ),
        pytest.param(
            'public_url = "https://outreach', 'public_url = "https://u:p@outreach',
            "web.public_url: holds a name or password, write https://HOST, or https://HOST/PATH,"
            " without a slash at its end",
            id="a password",
        ),
        pytest.param(
            '"10.0.0.0/8"', '"proxy.example.com"',
            'web.trusted_proxies[0]: "proxy.example.com" is neither an address nor a network,'
            " write such as 203.0.113.7 or 203.0.113.0/24",
            id="a proxy by its name",
        ),
        pytest.param(
            '"203.0.113.0/24"', '"203.0.113.0/33"',
            'senders.mainland.push_from[0]: "203.0.113.0/33" is neither an address nor a network,'
            " write such as 203.0.113.7 or 203.0.113.0/24",
            id="no network",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_what_to_write(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert said(tmp_path, old, new) == [expected]


def test_pages_have_paths_of_their_own(tmp_path: Path) -> None:
    path = make_project(tmp_path)
    text = path.read_text(encoding="utf-8") + WEB
    url = next(line for line in text.splitlines() if line.startswith("unsubscribe_url"))
    changed = 'unsubscribe_url = "https://www.example.com/twilio/u/"'
    path.write_text(text.replace(url, changed), encoding="utf-8")
    _, problems = check(path)

    assert [(one.key, one.wrong) for one in problems] == [
        ("firm.unsubscribe_url", "lies below /twilio, where providers report")
    ]
