"""`outreach segment`: the sentence, the number and the masked sample a clerk sees."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from outreach.cli import segments
from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.store.database import Database
from tests.store.client_book import add, row

ROOT = Path(__file__).parents[2]

OWN = """
[listed]
name = { zh = "名单客户", en = "Clients of a list" }
where = { list_file = "campaigns/lists/seminar.txt" }
"""


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path) -> Path:
    """The shipped project with one more segment and two clients, one of whom is closed."""
    shutil.copy(ROOT / "config.toml", tmp_path / "config.toml")
    for name in ("campaigns", "templates"):
        shutil.copytree(ROOT / name, tmp_path / name)
    with (tmp_path / "campaigns" / "segments.toml").open("a", encoding="utf-8") as file:
        file.write(OWN)
    (tmp_path / "campaigns" / "lists").mkdir()
    (tmp_path / "campaigns" / "lists" / "seminar.txt").write_text("0000001\n0000009\n")
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "outreach.db")
    database = Database(f"sqlite:///{tmp_path / 'var' / 'outreach.db'}")
    with database.begin() as tx:
        contact = {"name": "张三丰", "phone": "+8613812341234", "email": "zhang@example.com"}
        add(tx, [row(1, **contact), row(2, status="closed", **contact)])
    database.close()
    return tmp_path


def outreach(project: Path, *words: str, as_json: bool = False) -> Result:
    door = Door(project / "config.toml", json=as_json)
    return CliRunner().invoke(segments.app, list(words), obj=door)


def test_every_segment_is_listed_with_its_number_and_its_sentence(project: Path) -> None:
    rows = {
        one["segment"]: one for one in json.loads(outreach(project, "list", as_json=True).stdout)
    }

    assert rows["active-clients"]["clients"] == 1
    assert rows["high-net-worth"]["clients"] == 0
    assert "日均资产不低于6,000,000元" in rows["high-net-worth"]["sentence"]


def test_a_segment_is_shown_with_a_masked_sample(project: Path) -> None:
    shown = outreach(project, "show", "active-clients").stdout

    assert "满足以下条件的客户：账户状态为" in shown
    assert "138****1234" in shown
    assert "z***@example.com" in shown
    assert "张**" in shown
    assert "outreach plan closure-notice" in shown
    for secret in ("13812341234", "zhang@", "张三丰"):
        assert secret not in shown


def test_a_segment_as_json_has_both_sentences_and_masks_the_same(project: Path) -> None:
    shown = outreach(project, "show", "active-clients", as_json=True).stdout
    document = json.loads(shown)

    assert document["clients"] == 1
    assert document["sentence"]["en"].startswith("Clients for whom the account status is one of")
    assert [one["client_no"] for one in document["sample"]] == ["0000001"]
    assert "13812341234" not in shown


def test_numbers_of_a_list_that_no_client_has_are_told(project: Path) -> None:
    shown = outreach(project, "show", "listed").stdout
    document = json.loads(outreach(project, "show", "listed", as_json=True).stdout)

    assert "1 numbers are not in the client book: 0000009" in shown
    assert document["not_in_client_book"] == {"campaigns/lists/seminar.txt": ["0000009"]}


def test_a_day_without_halts_is_told(project: Path) -> None:
    assert "No security is halted today" in outreach(project, "show", "holders-of-halted").stdout


def test_a_mistyped_segment_is_answered_with_the_nearest(project: Path) -> None:
    failure = outreach(project, "show", "high-net-wort").exception

    assert isinstance(failure, Failure)
    assert failure.code == BAD_DATA
    assert failure.lines == ["high-net-wort: there is no such segment; write high-net-worth"]
