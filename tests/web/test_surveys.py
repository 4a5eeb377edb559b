"""Answers by link: GET shows the questions, POST records one answer and says what became of it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import orjson
import pytest
from sqlalchemy import select

from outreach.core import survey_link
from outreach.core.model import Frozen
from outreach.store import runs
from outreach.store.database import Database
from outreach.store.tables import message, survey_answer
from tests.store import client_book
from tests.web.door import KEY, NOW, Door, open_door

MARK = survey_link.mark_of("survey", "2026-09-28")
LINK = "/survey/" + survey_link.token(KEY, 7, MARK)
FORM = {
    "code": "A",
    "answer_until_days": 7,
    "questions": [
        {"zh": "您对我们的服务是否满意？", "en": "How satisfied are you?"},
        {"zh": "哪一点最需要改进？", "en": "What should we improve?"},
    ],
}


def asked(database: Database) -> None:
    """A survey that went to client 7, and not to client 8."""
    with database.begin() as tx:
        client_book.add(tx, [client_book.row(7), client_book.row(8)])
        content = orjson.dumps({"survey": FORM})
        parts = {kind: Frozen(kind, "x", kind * 8, b"{}") for kind in ("segment", "template")}
        parts["policy"] = Frozen("policy", "x", "policy" * 8, b"{}")
        parts["campaign"] = Frozen("campaign", "survey", "campaign" * 8, content)
        opening = runs.Opening(
            "survey", "2026-09-28", "survey", parts, b"{}", NOW, "li.m", None, None
        )
        run_id, _ = runs.open_run(tx, opening)
        row = {column.name: _plain(column) for column in message.columns}
        row |= {"id": 1, "run_id": run_id, "client_id": 7, "channel": "email"}
        tx.execute(message.insert().values(row))


def _plain(column: object) -> object:
    kind = str(column.type).upper()  # type: ignore[attr-defined]
    if "CHAR" in kind or "TEXT" in kind:
        return "x"
    if "BLOB" in kind or "BINARY" in kind:
        return b"x" * 32
    return NOW if "TIME" in kind or "UTC" in kind else 1


@pytest.fixture
def door(tmp_path: Path, database: Database) -> Iterator[Door]:
    asked(database)
    with open_door(tmp_path, database, "requests_per_second = 1000") as opened:
        yield opened


def answers(door: Door) -> list[tuple[str, int | None, str, str]]:
    columns = [survey_answer.c[name] for name in ("kind", "score", "comment", "source")]
    with door.database.reading() as conn:
        return [tuple(row) for row in conn.execute(select(*columns).order_by(survey_answer.c.id))]


def test_an_answer_is_recorded_and_thanked_for(door: Door) -> None:
    form = {"score": "4", "answer1": "等候时间", "comment": "谢谢"}
    answer = door.ask("POST", LINK, urlencode(form))

    assert (answer.status, "您的回答已收到" in answer.text) == (200, True)
    assert answers(door) == [("answer", 4, "2) 等候时间\n谢谢", "web")]


def test_the_same_answer_twice_counts_once_and_a_later_one_takes_its_place(door: Door) -> None:
    for score in ("4", "4", "2"):
        assert door.ask("POST", LINK, f"score={score}").status == 200

    assert [one[1] for one in answers(door)] == [4, 2]


def test_the_page_shows_the_questions_and_records_nothing(door: Door) -> None:
    page = door.ask("GET", LINK)

    assert page.status == 200
    for words in ("您对我们的服务是否满意？", "哪一点最需要改进？", "非常满意", "10月5日"):
        assert words in page.text
    assert page.text.count('type="radio"') == 5
    assert "How satisfied are you?" in door.ask("GET", LINK + "?lang=en").text
    assert answers(door) == []


def test_after_the_last_day_it_is_kept_and_not_counted(door: Door) -> None:
    door.clock[0] = NOW + timedelta(days=8)
    answer = door.ask("POST", LINK, "score=5")

    assert "本次调查已于10月5日" in answer.text
    assert [one[0] for one in answers(door)] == ["late"]


def test_what_cannot_be_taken_is_said_and_what_was_written_stays(door: Door) -> None:
    wrong = door.ask("POST", LINK, urlencode({"score": "9", "comment": "<b>慢</b>"}))

    assert (wrong.status, "评分应为1至5" in wrong.text) == (422, True)
    assert "&lt;b&gt;慢&lt;/b&gt;</textarea>" in wrong.text
    assert door.ask("POST", LINK, "").status == 422
    assert door.ask("POST", LINK, "score=five").status == 400
    assert door.ask("POST", LINK, b"\xff\xfe").status == 400
    assert answers(door) == []


def test_a_link_that_leads_to_no_survey_gets_a_friendly_page(door: Door) -> None:
    others = (
        survey_link.token(bytes(32), 7, MARK),
        survey_link.token(KEY, 8, MARK),  # it did not go to this client
        survey_link.token(KEY, 7, survey_link.mark_of("survey", "2025-09-28")),
        LINK.removeprefix("/survey/")[:-1],
    )
    for token in others:
        for method in ("GET", "POST"):
            answer = door.ask(method, f"/survey/{token}", "score=5" if method == "POST" else "")
            assert (answer.status, "链接无效" in answer.text) == (404, True)
    assert answers(door) == []
