"""What check says of surveys, departments, topics and the values of a survey's texts."""

from pathlib import Path

import pytest

from outreach.project.check import check
from outreach.project.definition import define
from outreach.project.load import load_project
from tests.project.small_project import change, make_project

SURVEY = """\
[survey]
code = "A"
answer_until_days = 7
questions = [{ zh = "是否满意？", en = "Satisfied?" }]

[[survey.forward]]
when = "score <= 2"
to = "complaints"
"""
DEPARTMENT = '[departments.complaints]\nkind = "file"\npath = "var/c.jsonl"\n\n'
TOPICS = (
    '[[topics]]\nzh = "医药"\nen = "Health care"\n\n[[topics]]\nzh = "消费"\nen = "Consumer"\n\n'
)
TABLE = "[senders.sms-file]"
NOTICE, CONFIG, SEGMENTS = "campaigns/notice.toml", "config.toml", "campaigns/segments.toml"
URL = 'unsubscribe_url = "https://www.example.com/u/"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The small project with a survey that has no fault."""
    make_project(tmp_path)
    change(tmp_path, NOTICE, "[values]", f"{SURVEY}\n[values]")
    change(tmp_path, NOTICE, 'purpose = "service"', 'purpose = "survey"')
    change(tmp_path, CONFIG, TABLE, f"{DEPARTMENT}{TOPICS}{TABLE}")
    change(tmp_path, CONFIG, URL, f'{URL}survey_url = "https://www.example.com/s/"\n')
    return tmp_path


def said(project: Path) -> list[str]:
    _, problems = check(project / "config.toml")
    return [str(one).replace(f"{project}/", "") for one in problems]


def test_a_survey_without_fault_is_let_through(project: Path) -> None:
    assert said(project) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        pytest.param(
            NOTICE, 'to = "complaints"', 'to = "complaint"',
            'there is no department "complaint", write complaints', id="no such department",
        ),
        pytest.param(
            NOTICE, "score <= 2", "score <= 9", "9 is not on the scale", id="a score off the scale"
        ),
        pytest.param(
            NOTICE, "score <= 2", "score <= 2 or more", "is no condition", id="no condition"
        ),
        pytest.param(
            NOTICE, 'code = "A"', 'code = "T"', "means something else in a reply",
            id="a code that is an opt-out",
        ),
        pytest.param(
            NOTICE, 'purpose = "survey"', 'purpose = "service"', 'write purpose = "survey"',
            id="a survey under another purpose",
        ),
        pytest.param(
            CONFIG, 'survey_url = "https://www.example.com/s/"\n', "",
            "asks by e-mail, and no address is known", id="no door for links",
        ),
        pytest.param(
            CONFIG, "https://www.example.com/s/", "http://www.example.com/s/",
            "is not an https address", id="a door without https",
        ),
        pytest.param(
            CONFIG, 'kind = "file"\npath = "var/c.jsonl"',
            'kind = "webhook"\nurl = "http://crm.example.com/"', "is not an https address",
            id="a webhook without https",
        ),
        pytest.param(
            CONFIG, 'zh = "消费"', 'zh = "医药"', '"医药" is there twice', id="a topic twice"
        ),
        pytest.param(
            CONFIG, 'zh = "消费"', 'zh = "必选 消费"', "would be read as several topics",
            id="a topic of two words",
        ),
        pytest.param(
            SEGMENTS, '{ field = "status", is = "normal" }',
            '{ field = "topics", contains = "医葯" }',
            '"医葯" is no topic of [[topics]] in config.toml, write one of 医药, 消费',
            id="a mistyped topic",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_what_to_write(
    project: Path, file: str, old: str, new: str, told: str
) -> None:
    change(project, file, old, new)

    found = said(project)

    assert any(told in one for one in found), found


def test_without_a_list_of_topics_any_may_be_asked_for(project: Path) -> None:
    change(project, CONFIG, TOPICS, "")
    change(project, SEGMENTS, '{ field = "status", is = "normal" }',
           '{ field = "topics", contains = "白酒" }')  # fmt: skip

    assert said(project) == []


def test_a_webhook_on_this_machine_may_do_without_https(project: Path) -> None:
    change(project, CONFIG, 'kind = "file"\npath = "var/c.jsonl"',
           'kind = "webhook"\nurl = "http://127.0.0.1:8080/hook"')  # fmt: skip

    assert said(project) == []


def test_two_surveys_do_not_share_a_code(project: Path) -> None:
    text = (project / NOTICE).read_text(encoding="utf-8")
    (project / "campaigns" / "other.toml").write_text(text, encoding="utf-8")

    told = 'the code "A" is also that of notice, write another letter'
    assert any(told in one for one in said(project))


def test_a_survey_value_elsewhere_is_told(project: Path) -> None:
    change(project, "templates/digest/email.zh-CN.text.j2", "本期摘要。", "{{ survey_code }}")

    assert any("only campaigns with a [survey] table have it" in one for one in said(project))


@pytest.mark.parametrize(
    ("file", "old", "new", "asked"),
    [
        pytest.param(NOTICE, "[occurrence]", "[occurrence]", (), id="nothing is asked for"),
        pytest.param(
            NOTICE, "[occurrence]", "channels_by_preference = true\n[occurrence]",
            ("preferred_channel",), id="a channel",
        ),
        pytest.param(
            NOTICE, "[occurrence]", 'product_risk = "R3"\n[occurrence]', ("wanted_risk",),
            id="a product",
        ),
        pytest.param(
            CONFIG, "[limits.contact_hours]",
            "[limits]\nown_hours = true\n\n[limits.contact_hours]\n"
            "survey = { opens = 09:00:00, closes = 20:00:00 }",
            ("own_hours",), id="hours",
        ),
    ],
)  # fmt: skip
def test_a_run_reads_of_preferences_only_what_its_campaign_asks_for(
    project: Path, file: str, old: str, new: str, asked: tuple[str, ...]
) -> None:
    change(project, file, old, new)
    found, problems = load_project(project / "config.toml")
    assert found is not None, problems

    defined = define(found, "notice")

    assert defined.preferences == asked
    assert defined.value_columns[: len(asked)] == asked
