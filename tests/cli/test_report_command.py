"""`outreach report`: a page to print, and a workbook with every line."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from outreach.cli.door import BAD_DATA, USAGE, Door
from outreach.store import audit, runs
from outreach.store.database import Database
from tests.cli import sent_project
from tests.cli.sent_project import outreach, refused


@pytest.fixture
def door(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("OUTREACH_CLOCK", sent_project.CLOCK)
    monkeypatch.delenv("COLUMNS", raising=False)
    return sent_project.sent(tmp_path, database)


class Page(HTMLParser):
    """The words of a page, and what it would load from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.words += [data.strip()] if data.strip() else []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "onload")]
        self.loads += [tag] if tag in ("script", "link", "iframe") else []


def test_a_page_says_what_came_of_the_run(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    result = outreach(door, "report", "1", "--out", str(path), as_json=True)
    page = Page(path.read_text(encoding="utf-8"))
    with door.database.reading() as conn:
        found, head = runs.load(conn, 1), audit.head(conn)
    assert found is not None

    assert json.loads(result.stdout) == {"run": 1, "file": str(path), "lines": 0}
    assert page.loads == []
    for word in (
        "节假日休市通知", "CN_A-2026-10-01", "li.m", "legal_hold", "客户处于法律限制状态",
        "quiet_hours", "accepted", found["campaign_digest"], found["policy_digest"],
        head.root.hex(), "2026-09-28 15:30",
    ):  # fmt: skip
        assert word in page.words, word


def test_a_workbook_has_the_facts_and_then_every_line(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "report.xlsx"
    result = outreach(door, "report", "1", "--out", str(path), as_json=True)
    sheets = pd.read_excel(path, sheet_name=None, engine="calamine", dtype=object)
    facts, lines = sheets.values()

    assert json.loads(result.stdout)["lines"] == 14 == len(lines)
    assert list(lines["address"])[:2] == ["138****0001", "c***@example.com"]
    told = dict(zip(facts.iloc[:, 0], facts.iloc[:, 1], strict=True))
    assert (told["候选客户"], told["允许发送"], told["暂缓"], told["拦截"]) == (7, 4, 1, 2)
    assert told["审批人"] == "li.m"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_refused_and_what_lists_look_like(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "report.html"
    there.touch()
    for words, code, line in (
        (("9", "--out", str(tmp_path / "r.html")), BAD_DATA, "there is no run 9"),
        (("1", "--out", "r.pdf"), USAGE, "must end with one of .html, .xlsx"),
        (("1", "--out", str(there)), USAGE, "--force replaces it"),
    ):
        assert line in refused(outreach(door, "report", *words), code)
    assert outreach(door, "report", "1", "--out", str(there), "--force").exit_code == 0
    wide, approvals = outreach(door, "runs").stdout, outreach(door, "approvals").stdout
    monkeypatch.setenv("COLUMNS", "100")
    narrow = outreach(door, "runs").stdout

    assert "2026-09-28 15:30" in wide
    assert "opened by" in wide
    assert "opened by" not in narrow
    assert "closure-notice   CN_A-2026-10-01   sending" in narrow
    assert "2026-09-28 15:30" in approvals
    assert "…" in approvals
