"""`outreach halts`: feeds by name and by folder, what is kept, what is told, and what is on."""

import json
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner, Result

from outreach.cli import halts
from outreach.cli.calendar import import_shipped
from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.feeds.halts import PARSERS
from tests.feeds.halts.feed_server import Reply, serving

ROOT = Path(__file__).parents[2]
SAVED = ROOT / "tests" / "feeds" / "halts" / "saved"


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the shipped calendars, on the afternoon of 24 September 2026."""
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-24T15:30+08:00")
    shutil.copy(ROOT / "config.toml", tmp_path / "config.toml")
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "outreach.db")
    import_shipped(Door(tmp_path / "config.toml", json=True))
    return tmp_path


def outreach(project: Path, *words: str, as_json: bool = False) -> Result:
    door = Door(project / "config.toml", json=as_json)
    return CliRunner().invoke(halts.app, list(words), obj=door)


def document(project: Path, *words: str) -> Any:
    result = outreach(project, *words, as_json=True)
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_the_forms_of_the_option_are_those_there_are_parsers_for() -> None:
    assert set(get_args(halts.Form)) == set(PARSERS)


def test_a_feed_is_recognised_kept_and_told_once(project: Path) -> None:
    first = document(project, "import", str(SAVED / "szse.json"))
    second = document(project, "import", str(SAVED / "szse.json"))

    assert (first["format"], first["read"], first["added"], first["rejected"]) == ("szse", 4, 3, 1)
    assert first["alerts"] == {"halted": 2, "resumed": 1}
    assert (second["added"], second["unchanged"], second["alerts"]) == (0, 3, {})
    (kept,) = (project / "var" / "feeds" / "halts").iterdir()
    assert kept.name == f"{first['digest']}.json"
    assert kept.read_bytes() == (SAVED / "szse.json").read_bytes()


def test_a_form_can_be_named_and_people_read_what_it_came_to(project: Path) -> None:
    shown = outreach(project, "import", str(SAVED / "sse.jsonp"), "--format", "sse").stdout

    assert "sse, json" in shown
    assert "to tell:" in shown
    assert "to look at, though its rows stand: 1" in shown


@pytest.mark.parametrize(
    ("words", "symbols"),
    [
        ([], ["000016", "300096"]),
        (["--on", "2026-09-27"], ["000016", "300096"]),
        # It resumes at the opening of the 28th, so it is on for the first hours of that day.
        (["--on", "2026-09-28"], ["000016", "300096"]),
        (["--on", "2026-09-29"], ["000016"]),
        (["--on", "2026-09-23"], ["000016"]),
        (["--on", "2026-09-03"], []),
    ],
)
def test_what_is_in_force(project: Path, words: list[str], symbols: list[str]) -> None:
    document(project, "import", str(SAVED / "szse.json"))
    found = {one["symbol"]: one for one in document(project, "show", *words)}

    assert sorted(found) == symbols
    if "300096" in found:
        assert found["300096"]["resumes"] == "2026-09-28 09:30"


def test_a_day_that_is_none_is_said(project: Path) -> None:
    result = outreach(project, "show", "--on", "tomorrow")

    assert isinstance(result.exception, Failure)
    assert result.exception.code == USAGE


def test_the_inbox_takes_every_file_and_puts_broken_ones_aside(project: Path) -> None:
    inbox = project / "var" / "inbox" / "halts"
    assert document(project, "inbox") == []
    for name in ("szse.json", "nyse.csv"):
        shutil.copy(SAVED / name, inbox / name)
    (inbox / "half.json").write_text('{"zqdm": "3000', encoding="utf-8")
    (inbox / ".szse.json.part").write_text("being written", encoding="utf-8")
    result = outreach(project, "inbox", as_json=True)

    assert isinstance(result.exception, Failure)
    assert result.exception.code == PROBLEMS
    put = json.loads(result.stdout)
    assert sorted(Path(one["done"]).name for one in put if "done" in one) == [
        "nyse.csv", "szse.json",
    ]  # fmt: skip
    assert sorted(one.name for one in (inbox / "broken").iterdir()) == [
        "half.json", "half.json.txt",
    ]  # fmt: skip
    assert "half.json" in (inbox / "broken" / "half.json.txt").read_text(encoding="utf-8")
    assert [one.name for one in inbox.iterdir() if one.is_file()] == [".szse.json.part"]
    assert document(project, "inbox") == []


def test_a_file_of_the_same_name_does_not_take_the_place_of_the_first(project: Path) -> None:
    inbox = project / "var" / "inbox" / "halts"
    inbox.mkdir(parents=True)
    for _ in range(2):
        shutil.copy(SAVED / "szse.json", inbox / "szse.json")
        document(project, "inbox")

    assert sorted(one.name for one in (inbox / "done").iterdir()) == ["szse-2.json", "szse.json"]


def add_source(project: Path, url: str, **more: str) -> None:
    keys = {"name": '"szse"', "form": '"szse"', "url": f'"{url}"', **more}
    lines = "".join(f"{name} = {value}\n" for name, value in keys.items())
    config = project / "config.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[[feeds.halts.sources]]\n{lines}", encoding="utf-8")


def test_a_source_is_fetched_by_hand_and_shown(project: Path) -> None:
    with serving(Reply((SAVED / "szse.json").read_bytes()), Reply(status=500)) as feed:
        add_source(project, f"{feed.url}/p?key=k1", tries="1")
        (planned,) = document(project, "fetch", "--dry-run")
        assert (planned["due"], feed.asked) == ("now", [])
        assert document(project, "sources")[0]["state"] == "never asked"
        (done,) = document(project, "fetch", "szse")
        failed = outreach(project, "fetch")
    (taken,) = document(project, "inbox")
    (shown,) = document(project, "sources")

    assert planned["address"].endswith("/p?...")
    assert (done["outcome"], taken["format"], taken["markets"]) == ("new", "szse", ["XSHE"])
    assert isinstance(failed.exception, Failure)
    assert failed.exception.code == PROBLEMS
    assert "szse: failed, the server answers 500" in failed.stdout
    assert (shown["state"], shown["failures"]) == ("failing", 1)
    assert shown["last_fetched"] == "2026-09-24 15:30"
    assert shown["last_error"] == "the server answers 500"
    assert "k1" not in json.dumps([planned, done, shown]) + failed.stdout


def test_a_source_that_is_none_is_said(project: Path) -> None:
    for words in (["fetch"], ["fetch", "sse"]):
        result = outreach(project, *words)
        assert isinstance(result.exception, Failure)
        assert result.exception.code == USAGE
        add_source(project, "http://127.0.0.1:1/")
    assert "there is no source sse; there are szse" in str(result.exception)
    assert "No source is fetched" not in outreach(project, "sources").stdout


def test_a_day_without_halts_is_no_failure(project: Path) -> None:
    quiet = project / "quiet.json"
    quiet.write_text('{"pageHelp":{"total":0},"sqlId":"TFPXX","result":[]}', encoding="utf-8")

    assert document(project, "import", str(quiet))["read"] == 0


def test_what_is_said_of_a_broken_file_is_shown_with_its_brackets(project: Path) -> None:
    inbox = project / "var" / "inbox" / "halts"
    inbox.mkdir(parents=True)
    (inbox / "list[1].csv").write_text(
        "市场,证券代码,简称\n沪市,600000,浦发银行\n", encoding="gb18030"
    )
    shown = " ".join(outreach(project, "inbox").stdout.split())

    assert "list[1].csv: there is no column for name_zh (such as 证券名称)" in shown
    assert "[clients.columns]" in shown


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("全天停牌", "", True),
        ("全天停牌", "预计", True),
        ("全天停牌", "已复牌", False),
        ("退市整理期", "", False),
    ],
)
def test_a_row_of_ours_whose_end_has_passed_is_asked_whether_trading_resumed(
    project: Path, kind: str, status: str, said: bool
) -> None:
    file = project / "list.csv"
    file.write_text(
        "市场,证券代码,证券名称,停牌类型,停牌时间,复牌时间,复牌状态\n"
        f"深市,000858,五粮液,{kind},2026-09-24 09:30,2026-09-24 13:00,{status}\n",
        encoding="gb18030",
    )
    done = document(project, "import", str(file), "--as-of", "2026-09-24T13:10")

    assert (done["added"], done["rejected"]) == (1, 0)
    assert (done["rejects_file"] is not None) is said
    if said:
        words = Path(done["rejects_file"]).read_text(encoding="utf-8-sig").splitlines()[1]
        assert words.startswith("2,resume_status,")
        assert "write confirmed (已复牌) if it did" in words


def test_before_the_opening_the_day_is_pointed_to_and_shows_the_number_of_each_halt(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-24T08:00+08:00")
    file = project / "list.csv"
    file.write_text(
        "市场,证券代码,证券名称,停牌时间\n深市,300750,示例,2026-09-24\n", encoding="utf-8"
    )
    document(project, "import", str(file))

    assert "outreach halts show --on 2026-09-24" in outreach(project, "show").stdout
    shown = outreach(project, "show", "--on", "2026-09-24").stdout
    assert "XSHE-300750-20260924-1" in shown
