"""[bounces] of config.toml: what is wrong there is said with its line and what to write."""

from pathlib import Path

import pytest

from outreach.project.check import check
from outreach.project.config import Config
from outreach.project.load import load_config
from tests.project.small_project import make_project

GOOD = """
[bounces]
address = "b@bounces.example.com"

[bounces.mailboxes.returns]
kind = "imap"
host = "imap.example.com"
username = "b@bounces.example.com"
"""


def found(folder: Path, text: str) -> list[str]:
    path = make_project(folder)
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")
    return [str(problem) for problem in check(path)[1]]


def test_a_mailbox_read_by_imap_needs_a_host_and_a_name(tmp_path: Path) -> None:
    assert not [one for one in found(tmp_path, GOOD) if "bounces" in one]

    loaded = load_config(tmp_path / "config.toml")
    assert isinstance(loaded, Config)
    assert loaded.bounces.mailboxes["returns"].kind == "imap"
    assert loaded.bounces.soft_limit == 5


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(("b@bounces", "b+x@bounces"), "cannot be a return address", id="a plus"),
        pytest.param(("b@bounces.example.com", "b@localhost"), "cannot be a return", id="no dot"),
        pytest.param(('address = "b@bounces.example.com"', ""), "could be believed", id="none"),
        pytest.param(
            ('host = "imap', 'security = "none"\nhost = "imap'), "in clear", id="no encryption"
        ),
        pytest.param(
            ('host = "imap', 'done = "inbox"\nhost = "imap'), "read for ever", id="done is read"
        ),
        pytest.param(
            ("[bounces]", "[bounces]\nsoft_limit = 9\nsoft_days = 8"), "not so many", id="days"
        ),
        pytest.param(
            ('kind = "imap"\nhost = "imap.example.com"\nusername = "b@bounces.example.com"',
             'kind = "maildir"\npath = "m"\ndone = "../x"'),
            "name of a folder", id="a folder elsewhere",
        ),
        pytest.param(("es.returns]", f"es.r{'x' * 60}]"), "use up to 59", id="a long name"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    assert change[0] in GOOD
    said = found(tmp_path, GOOD.replace(*change))

    assert [one for one in said if expected in one and "config.toml:" in one], said
