"""`outreach preferences`, and what a preference does to a plan: channel, product, hour, text."""

from pathlib import Path
from typing import Any

import pytest

from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.store.database import Database
from tests.cli.survey_project import SENT, document, surveyed, typed
from tests.project.small_project import change

FILE = (
    "客户号,称谓,首选渠道,关注主题,意向产品风险上限,联系时段,语言,备注,告知人,告知时间\n"
    "0000001,王女士,邮件,新能源、医药,R2,16:00-18:00,英文,喜欢电话沟通,客户本人,2026-09-20 10:00\n"
    "0000002,,,新能原,,,,,,\n0000003,,,,R9,,,,,\n99,王总,,,,,,,,\n"
)


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("OUTREACH_CLOCK", SENT)
    return surveyed(tmp_path, database)


def take(door: Door, text: str = FILE, encoding: str = "gb18030") -> Any:
    file = door.root / "more.csv"
    file.write_text(text, encoding=encoding)
    return document(door, "preferences", "import", str(file))


def test_good_rows_are_taken_and_bad_ones_told_by_cell(door: Door) -> None:
    done = take(door)

    assert (done["encoding"], done["read"], done["added"], done["rejected"]) == ("gb18030", 4, 1, 3)
    told = Path(done["rejects_file"]).read_text(encoding="utf-8-sig").splitlines()
    assert told[1].startswith("3,关注主题,新能原,新能原 is no topic of the list,")
    assert told[2].startswith("4,意向产品风险上限,R9,")
    assert told[3].startswith("5,客户号,99,no client has this number")


def test_what_stands_is_shown_masked_with_who_said_so(door: Door) -> None:
    take(door)
    shown = document(door, "preferences", "show", "0000001")

    assert shown["preferences"] == {
        "salutation": "王**", "preferred_channel": "email", "topics": "新能源, 医药",
        "wanted_risk": "R2", "own_hours": "16:00-18:00", "locale": "en",
        "note": "*** (6 characters)",
    }  # fmt: skip
    (said,) = shown["history"]
    assert (said["said_by"], said["said_at"]) == ("client", "2026-09-20T02:00:00+00:00")
    printed = typed(door, "preferences", "show", "0000001").stdout
    assert "王女士" not in printed
    assert "喜欢" not in printed


def test_who_looks_at_all_of_it_goes_on_record(door: Door) -> None:
    take(door)
    why = ("--unmask", "--why", "visit", "--as", "zhou")

    assert document(door, "preferences", "show", "0000001", *why)["preferences"]["note"] == (
        "喜欢电话沟通"
    )
    with door.database.reading() as conn:
        query = "SELECT actor FROM audit_entry WHERE kind = 'preferences.unmasked'"
        assert conn.exec_driver_sql(query).scalars().all() == ["zhou"]
    refused = typed(door, "preferences", "show", "0000001", "--unmask")
    assert isinstance(refused.exception, Failure)
    assert refused.exception.code == USAGE
    assert getattr(typed(door, "preferences", "show", "9").exception, "code", 0) == PROBLEMS


def test_the_same_file_again_is_unchanged_and_a_later_word_counts(door: Door) -> None:
    take(door)
    again = take(door)
    later = take(door, "客户号,意向产品风险上限,告知时间\n0000001,R4,2026-09-27\n", "utf-8")
    earlier = take(door, "客户号,意向产品风险上限,告知时间\n0000001,R1,2026-09-01\n", "utf-8")
    taken_back = take(door, "客户号,称谓\n0000001,清除\n", "utf-8")

    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 1)
    assert [one["updated"] for one in (later, earlier, taken_back)] == [1, 1, 1]
    shown = document(door, "preferences", "show", "0000001")
    assert shown["preferences"]["wanted_risk"] == "R4"
    assert shown["preferences"]["salutation"] is None
    assert len(shown["history"]) == 4


def test_a_client_file_leaves_alone_what_it_does_not_speak_of(door: Door) -> None:
    take(door)
    file = door.root / "clients.csv"
    file.write_text("客户号,姓名,关注主题\n0000001,李四,固收\n", encoding="utf-8")

    assert document(door, "clients", "import", str(file))["updated"] == 1

    stands = document(door, "preferences", "show", "0000001")["preferences"]
    assert (stands["topics"], stands["wanted_risk"]) == ("固收", "R2")
    assert take(door)["unchanged"] == 1  # what was said before the client file came
    assert take(door, "客户号,关注主题\n0000001,新能源 医药\n", "utf-8")["updated"] == 1
    stands = document(door, "preferences", "show", "0000001")["preferences"]
    assert stands["topics"] == "新能源, 医药"


def test_a_campaign_keeps_below_the_risk_a_client_wants_to_hear_of(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(door)
    change(door.root, "campaigns/satisfaction-survey.toml", "[occurrence]",
           'product_risk = "R3"\n\n[occurrence]')  # fmt: skip
    change(door.root, "config.toml", "survey = { messages = 1, days = 30 }", "")
    change(door.root, "campaigns/satisfaction-survey.toml", "repeat_after_days = 180", "")
    door._config = door._project = None
    with door.database.begin() as tx:
        tx.exec_driver_sql("UPDATE client SET risk_level = 5, assessment_expires_on = '2027-01-01'")
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-29T16:30+08:00")
    assert typed(door, "approve", "satisfaction-survey", "--as", "li.m").exit_code == 0
    done = typed(door, "run", "satisfaction-survey")
    assert done.exit_code == 0, (done.output, done.exception)

    told = document(door, "explain", "0000001", "satisfaction-survey")

    assert told["reason"] == "suitability_exceeded"
    (gate,) = {one["sentence"] for one in told["gates"] if one["gate"] == "suitability"}
    assert gate == "产品为 R3，高于客户本人设定的意向产品风险上限 R2。"
    other = document(door, "explain", "0000002", "satisfaction-survey")
    assert other["reason"] is None


def test_a_message_waits_for_the_hours_a_client_asked_for_and_a_text_greets_by_salutation(
    door: Door,
) -> None:
    take(door)
    change(door.root, "config.toml", "survey = { messages = 1, days = 30 }", "")
    door._config = door._project = None

    shown = document(door, "preview", "satisfaction-survey", "--client", "0000001")

    assert shown["channel"] == "email"  # the client's own first channel
    assert (shown["verdict"], shown["reason"]) == ("defer", "quiet_hours")  # 15:30 is before 16:00
    assert "Dear 王女士," in shown["parts"]["text"]
    assert shown["locale"] == "en"
