"""One-click unsubscribe (RFC 8058): GET shows and changes nothing, POST acts, once or often."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from outreach.core.consent import ConsentEvent
from outreach.core.unsubscribe import token
from outreach.core.words import Purpose
from outreach.store import consent
from outreach.store.database import Database
from tests.store import client_book
from tests.web.door import KEY, NOW, Door, open_door

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"
LINK = "/unsubscribe/" + token(KEY, 7, Purpose.MARKETING)
FOREIGN = "/unsubscribe/" + token(bytes(32), 7, Purpose.MARKETING)


@pytest.fixture
def door(tmp_path: Path, database: Database) -> Iterator[Door]:
    with database.begin() as tx:
        client_book.add(tx, [client_book.row(7), client_book.row(8, locale="en")])
    with open_door(tmp_path, database, "requests_per_second = 1000") as opened:
        yield opened


@pytest.fixture
def light(tmp_path: Path, sqlite: Database) -> Iterator[Door]:
    with sqlite.begin() as tx:
        client_book.add(tx, [client_book.row(7), client_book.row(8, locale="en")])
    with open_door(tmp_path, sqlite, "requests_per_second = 1000") as opened:
        yield opened


def ledger(door: Door) -> list[ConsentEvent]:
    door.applied()
    with door.database.reading() as conn:
        return consent.events_of(conn, [7]).get(7, [])


def test_a_mail_program_stops_it_with_one_post(door: Door) -> None:
    answer = door.ask("POST", LINK, ONE_CLICK, Content_Type=FORM)

    assert answer.status == 200
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    (event,) = ledger(door)
    assert (event.channel, event.purpose, event.action, event.source, event.captured_at) == (
        "email", "marketing", "withdraw", "one_click", NOW,
    )  # fmt: skip


def test_the_multipart_form_of_the_rfc_does_the_same(door: Door) -> None:
    head = 'Content-Disposition: form-data; name="List-Unsubscribe"'
    body = f"--b\r\n{head}\r\n\r\nOne-Click\r\n--b--\r\n"
    answer = door.ask("POST", LINK, body, Content_Type='multipart/form-data; boundary="b"')

    assert answer.status == 200
    assert len(ledger(door)) == 1


def test_it_may_be_repeated(door: Door) -> None:
    assert [door.ask("POST", LINK, ONE_CLICK).status for _ in range(3)] == [200] * 3
    assert len(ledger(door)) == 1


def test_who_came_back_and_leaves_again_is_heard_again(door: Door) -> None:
    door.ask("POST", LINK, ONE_CLICK)
    door.clock[0] = NOW + timedelta(days=1)
    door.ask("POST", LINK, ONE_CLICK)

    assert [one.captured_at for one in ledger(door)] == [NOW, NOW + timedelta(days=1)]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_at_the_page_changes_nothing(light: Door, method: str) -> None:
    assert light.ask(method, LINK).status == 200
    assert light.events() == []
    assert ledger(light) == []


def test_the_page_says_who_stops_what_and_how_to_get_it_back(light: Door) -> None:
    ask = light.ask("GET", LINK).text
    done = light.ask("POST", LINK, ONE_CLICK).text

    assert all(
        words in ask for words in ("示例证券", "营销推广", "确认停止", '<form method="post"')
    )
    assert all(words in done for words in ("已停止", "营销推广", "95000", "交易日 8:30-17:30"))
    assert "<form" not in done
    assert all("即可。依照" in page for page in (ask, done)), "Chinese has no space after a stop"


def test_the_page_speaks_the_language_of_its_reader(light: Door) -> None:
    cases = [  # client, of the link, of the browser, of the page
        (7, "", "", "zh-CN"),
        (8, "", "", "en"),
        (7, "", "en-GB,en;q=0.9,zh;q=0.5", "en"),
        (8, "", "zh-TW", "zh-CN"),
        (7, "", "fr, de;q=0.9", "zh-CN"),
        (7, "?lang=en", "zh", "en"),
        (7, "?lang=<b>", "zh", "zh-CN"),
        (99, "", "", "zh-CN"),  # a client who is gone
    ]
    for client, query, accepts, lang in cases:
        link = "/unsubscribe/" + token(KEY, client, Purpose.MARKETING) + query
        answer = light.ask("GET", link, **({"Accept_Language": accepts} if accepts else {}))

        assert f'<html lang="{lang}">' in answer.text, (client, query, accepts)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_is_not_ours_gets_a_friendly_page_and_stops_nothing(
    light: Door, method: str
) -> None:
    made_up = (
        "/unsubscribe/" + LINK[13:].swapcase(),
        "/unsubscribe/x",
        "/unsubscribe/%00%FF",
        "/unsubscribe/" + "A" * 32,
    )
    for path in (FOREIGN, LINK[:-1], LINK + "A", *made_up):
        answer = light.ask(method, path, ONE_CLICK if method == "POST" else "")

        assert (answer.status, "链接无效" in answer.text) == (404, True), path
    assert light.events() == []


def test_pages_are_kept_by_nobody_and_run_nothing(light: Door) -> None:
    for answer in (light.ask("GET", LINK), light.ask("POST", LINK), light.ask("GET", FOREIGN)):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none';")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "<script" not in answer.text
        assert "http" not in answer.text  # nothing is fetched from anywhere


def test_other_methods_do_nothing(light: Door) -> None:
    assert [light.ask(method, LINK).status for method in ("PUT", "DELETE", "PATCH")] == [405] * 3
    assert light.events() == []
