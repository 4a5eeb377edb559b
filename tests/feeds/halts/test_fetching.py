"""A feed is fetched whole, in time and from where it was written down, or not at all."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from outreach.feeds.halts import paged
from outreach.feeds.halts.fetching import Answer, FetchProblem, Request, fetch
from tests.certificate import made_certificate, server_side
from tests.feeds.halts.feed_server import Reply, serving

LIMIT = 1 << 20


def asked(url: str, **how: Any) -> Answer:
    return fetch(Request(url, **{"timeout": 5.0, "limit": LIMIT, **how}))


def test_an_answer_brings_its_marks_and_the_next_request_names_them() -> None:
    marks = {"ETag": '"a1"', "Last-Modified": "Thu, 24 Sep 2026 01:30:00 GMT"}
    with serving(Reply(b"[]", headers=marks), Reply(status=304)) as feed:
        first = asked(feed.url, headers={"Referer": "https://www.sse.com.cn/"})
        second = asked(feed.url, etag=first.etag, last_modified=first.last_modified)

    assert first == Answer(b"[]", '"a1"', marks["Last-Modified"])
    assert second.content is None
    assert (second.etag, second.last_modified) == (first.etag, first.last_modified)
    assert feed.asked[0][1]["Referer"] == "https://www.sse.com.cn/"
    assert feed.asked[1][1]["If-None-Match"] == '"a1"'
    assert feed.asked[1][1]["If-Modified-Since"] == marks["Last-Modified"]


@pytest.mark.parametrize(
    ("reply", "says", "passing"),
    [
        pytest.param(Reply(status=500), "answers 500", True, id="trouble there"),
        pytest.param(Reply(status=429), "answers 429", True, id="asked too often"),
        pytest.param(Reply(status=403), "answers 403", False, id="refused"),
        pytest.param(Reply(status=404), "answers 404", False, id="not there"),
        pytest.param(Reply(b"x", announced=LIMIT + 1), "larger than 1 MB", False, id="says so"),
        pytest.param(Reply(b"x" * (LIMIT + 1), announced=-1), "larger than 1 MB", False, id="is"),
        pytest.param(Reply(b"[1, 2", announced=9), "breaks off", True, id="a connection is lost"),
        pytest.param(Reply(hangs=True), "did not answer within 0.2", True, id="slow"),
        pytest.param(
            Reply(b"x", headers={"Content-Encoding": "gzip"}), "is packed", False, id="packed"
        ),
        pytest.param(
            Reply(status=302, headers={"Location": "ftp://127.0.0.1/a"}), "sends on to ftp://",
            False, id="another scheme",
        ),
        pytest.param(
            Reply(status=302, headers={"Location": "https://127.0.0.1/a"}), "sends on to https://",
            False, id="https is another scheme than http",
        ),
        pytest.param(
            Reply(status=302, headers={"Location": "http://elsewhere.example/?key=k"}),
            "sends on to http://elsewhere.example;", False, id="another host",
        ),
    ],
)  # fmt: skip
def test_what_is_not_taken(reply: Reply, says: str, passing: bool) -> None:
    with serving(reply) as feed, pytest.raises(FetchProblem) as refused:
        asked(feed.url, timeout=0.2 if reply.hangs else 5.0)

    assert says in str(refused.value)
    assert refused.value.passing is passing
    assert "127.0.0.1:" not in str(refused.value).replace(feed.url, "")


def test_a_redirect_on_the_same_host_is_followed() -> None:
    with serving(Reply(status=302, headers={"Location": "/new"}), Reply(b"[]")) as feed:
        assert asked(feed.url + "/old").content == b"[]"
    assert [path for path, _ in feed.asked] == ["/old", "/new"]


def test_an_answer_that_trickles_is_given_up() -> None:
    seconds: Callable[[], float] = count(0.0, 1_000.0).__next__
    with (
        serving(Reply(b"[]")) as feed,
        pytest.raises(FetchProblem, match="comes too slowly"),
    ):
        fetch(Request(feed.url, timeout=5.0), seconds)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:,x"])
def test_only_the_web_is_asked(url: str) -> None:
    with pytest.raises(FetchProblem, match="only https and http"):
        asked(url)


def test_nobody_there() -> None:
    with serving(Reply()) as feed:
        url = feed.url
    with pytest.raises(FetchProblem, match="cannot be reached") as refused:
        asked(url)
    assert refused.value.passing


def test_a_certificate_nobody_vouches_for_is_refused_and_not_asked_again(tmp_path: Path) -> None:
    certificate = made_certificate(tmp_path / "server.pem")
    with serving(Reply(b"[]"), tls=server_side(certificate)) as feed:
        with pytest.raises(FetchProblem, match="certificate of the server is refused: self") as no:
            asked(feed.url)
        elsewhere = feed.url.replace("127.0.0.1", "localhost")
        with pytest.raises(FetchProblem, match="certificate of the server is refused: Hostname"):
            asked(elsewhere, ca_file=str(certificate))
        assert asked(feed.url, ca_file=str(certificate)).content == b"[]"

    assert not no.value.passing


def test_a_trust_file_that_is_not_there_is_said() -> None:
    with serving(Reply()) as feed, pytest.raises(FetchProblem, match="ca_file"):
        asked(feed.url, ca_file="/nowhere/ca.pem")


def test_a_request_shows_no_secret() -> None:
    shown = repr(Request("https://h/?key=k1", {"Authorization": "k2"}))
    assert "k1" not in shown
    assert "k2" not in shown


# --- feeds in pages ---------------------------------------------------------------------------


def szse(number: int, rows: list[str], pages: int = 2, total: int = 3) -> bytes:
    about = {"tabkey": "tab1", "pageno": number, "pagecount": pages, "recordcount": total}
    data = [{"zqdm": one, "tpkssj": "2026-09-24 开市", "fpkssj": ""} for one in rows]
    return json.dumps([{"metadata": about, "data": data}, {"metadata": {}, "data": []}]).encode()


def sse(number: int, rows: list[str], pages: int = 2, total: int = 3) -> bytes:
    about = {"pageNo": number, "pageCount": pages, "pageSize": 2, "total": total}
    data = [{"productCode": one, "startStopDate": "20260924"} for one in rows]
    return f"back({json.dumps({'pageHelp': about, 'result': data})})".encode()


@pytest.mark.parametrize(("form", "page"), [("szse", szse), ("sse", sse)])
def test_all_pages_are_one_answer(form: str, page: Callable[..., bytes]) -> None:
    pages = {1: page(1, ["000001", "000002"]), 2: page(2, ["000003"])}
    content = paged.whole(form, pages.__getitem__)
    again = paged.whole(form, {1: content}.__getitem__)

    assert content.count(b"00000") == 3
    assert again == content


@pytest.mark.parametrize(("form", "page"), [("szse", szse), ("sse", sse)])
def test_a_day_without_halts_is_one_empty_page(form: str, page: Callable[..., bytes]) -> None:
    assert paged.whole(form, {1: page(1, [], 0, 0)}.__getitem__).count(b"00000") == 0


@pytest.mark.parametrize(
    ("second", "says"),
    [
        pytest.param(szse(2, ["000003", "000004"], 2, 4), "told of 3 rows, page 2 of 2 of 4",
                     id="a row came in between"),
        pytest.param(szse(2, ["000003"], 3, 3), "page 2 of 3", id="a page came in between"),
        pytest.param(szse(2, ["000002"]), "3 rows, 2 of them different, of 3",
                     id="a row slid to the next page"),
        pytest.param(szse(2, []), "hold 2 rows", id="a row fell between two pages"),
        pytest.param(szse(1, ["000003"]), "page 2 was asked for and page 1 came", id="not asked"),
        pytest.param(szse(2, ["000003"])[:-40], "page 2 is no whole JSON", id="half a JSON"),
        pytest.param(b"<html>", "page 2 is no whole JSON", id="a web page"),
        pytest.param(b"{}", "page 2 holds no rows with zqdm", id="other JSON"),
        pytest.param(szse(2, ["000003"]).replace(b"recordcount", b"count"),
                     "page 2 does not state its recordcount", id="no total"),
    ],
)  # fmt: skip
def test_pages_that_do_not_fit_together_are_refused(second: bytes, says: str) -> None:
    pages = {1: szse(1, ["000001", "000002"]), 2: second}
    with pytest.raises(FetchProblem) as refused:
        paged.whole("szse", pages.__getitem__)

    assert says in str(refused.value)
    assert refused.value.passing


def test_a_report_without_end_is_not_followed() -> None:
    with pytest.raises(FetchProblem, match="5000 pages"):
        paged.whole("szse", {1: szse(1, ["000001"], 5_000, 50_000)}.__getitem__)
