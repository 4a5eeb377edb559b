"""What `check` says of the texts of an incident."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from outreach.project.check import check
from tests.project.small_project import change, make_project

ROOT = Path(__file__).parents[2]
FOLDER = "templates/incident-notice"
TOML, SMS = f"{FOLDER}/template.toml", f"{FOLDER}/sms.zh-CN.text.j2"


@pytest.fixture
def problems(tmp_path: Path) -> Callable[[str, str, str], list[str]]:
    """What is wrong after one change to the small project with the shipped texts of incidents."""
    make_project(tmp_path)
    shutil.copytree(ROOT / FOLDER, tmp_path / FOLDER)
    shutil.copy(ROOT / "campaigns/incident-notice.toml", tmp_path / "campaigns")

    def after(file: str, old: str, new: str) -> list[str]:
        change(tmp_path, file, old, new)
        _, found = check(tmp_path / "config.toml")
        return [str(one) for one in found if one.severity == "error"]

    return after


CAMPAIGN = "campaigns/incident-notice.toml"
LIMITS = "\n".join(
    line
    for line in (ROOT / CAMPAIGN).read_text(encoding="utf-8").splitlines()
    if line.startswith(("grace_minutes", "useful_hours"))
)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        pytest.param(
            TOML, 'next_update_by = { type = "time", required = true }', "",
            "slots.next_update_by: is missing, and clients would not learn it", id="no promise",
        ),
        pytest.param(
            TOML, 'resolved_at = { type = "time" }', "",
            "prints resolved_at, which is no slot of template.toml", id="an undeclared slot",
        ),
        pytest.param(
            TOML, 'resolved_at = { type = "time" }', 'resolved_at = { type = "text" }',
            'slots.resolved_at.type: resolved_at is a time, write type = "time"', id="type",
        ),
        pytest.param(
            SMS, "{% if workaround %}{{ workaround }}。{% endif %}", "",
            "never prints the slot workaround", id="a slot nobody sees",
        ),
        pytest.param(
            TOML, "max_sms_parts = 4", "max_sms_parts = 3",
            "needs 4 SMS parts with every slot at its longest (incident-notice, open)", id="length",
        ),
        pytest.param(SMS, "{{ hotline }}", "{{ holiday }}", 'kind = "closure" have it', id="names"),
        pytest.param(
            CAMPAIGN, 'event = "incident"', 'event = "halt"',
            "does not wait for an incident", id="waits for something else",
        ),
        pytest.param(
            CAMPAIGN, f'kind = "incident"\n{LIMITS}', 'kind = "day"',
            'only campaigns with occurrence.kind = "incident" have it', id="a day",
        ),
    ],
)  # fmt: skip
def test_what_would_fail_in_an_incident_is_told_before(
    problems: Callable[[str, str, str], list[str]], file: str, old: str, new: str, said: str
) -> None:
    assert any(said in one for one in problems(file, old, new)), problems(file, new, new)
