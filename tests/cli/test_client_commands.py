"""`outreach clients`, `holdings`, `consent`, `halts`: what a clerk types, and what comes back."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from outreach.cli import clients, consent, halts
from outreach.cli.door import PROBLEMS, USAGE, Door, Failure
from outreach.feeds.file_problem import FileProblem

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
FILE = "客户号,姓名,手机号,短信同意\n0000000001,张三,13812345678,是\n2,李四,1.3812E+10,否\n"


@pytest.fixture
def project(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with an empty database, at half past three on 28 September 2026."""
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-28T15:30+08:00")
    shutil.copy(ROOT / "config.toml", tmp_path / "config.toml")
    (tmp_path / "var").mkdir()
    shutil.copy(sqlite_template, tmp_path / "var" / "outreach.db")
    (tmp_path / "clients.csv").write_text(FILE, encoding="gb18030")
    return tmp_path


def outreach(room: typer.Typer, project: Path, *words: str, as_json: bool = False) -> Result:
    door = Door(project / "config.toml", json=as_json)
    return CliRunner().invoke(room, list(words), obj=door)


def document(room: typer.Typer, project: Path, *words: str) -> Any:
    result = outreach(room, project, *words, as_json=True)
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def take(project: Path, *options: str) -> Any:
    # Rooms with one command need its name left out, rooms with several need it.
    return document(clients.clients, project, str(project / "clients.csv"), *options)


def test_an_import_says_what_scripts_rely_on(project: Path) -> None:
    done = take(project, "--as-of", "2026-09-24")

    assert (done["encoding"], done["read"], done["added"], done["updated"]) == ("gb18030", 2, 1, 0)
    assert (done["unchanged"], done["rejected"]) == (0, 1)
    assert done["as_of"] == "2026-09-24T15:59:59+00:00"
    assert len(done["digest"]) == 64
    rejects = Path(done["rejects_file"])
    assert rejects.parent == project / "var" / "rejects"
    assert "1.3812E+10" in rejects.read_text(encoding="utf-8-sig")


def test_nothing_personal_is_printed(project: Path) -> None:
    shown = outreach(clients.clients, project, str(project / "clients.csv")).stdout
    shown += outreach(consent.app, project, "show", "0000000001").stdout
    shown += outreach(consent.app, project, "history", "0000000001").stdout

    assert "read 2 = added 1" in shown
    assert not any(secret in shown for secret in ("13812345678", "张三", "李四"))


@pytest.mark.parametrize("as_of", ["2026-09-29", "2030-01-01", "yesterday"])
def test_a_file_cannot_speak_of_what_is_yet_to_come(project: Path, as_of: str) -> None:
    result = outreach(clients.clients, project, str(project / "clients.csv"), "--as-of", as_of)

    assert isinstance(result.exception, Failure)
    assert result.exception.code == USAGE


def test_today_is_an_as_of_day_like_any_other(project: Path) -> None:
    assert take(project, "--as-of", "2026-09-28")["as_of"].startswith("2026-09-28T07:30:0")


def test_a_missing_file_is_one_sentence(project: Path) -> None:
    result = outreach(clients.clients, project, "nope.csv")

    assert isinstance(result.exception, FileProblem)
    assert "nope.csv: there is no such file" in str(result.exception)


def test_an_import_without_one_good_row_ends_with_problems(project: Path) -> None:
    (project / "clients.csv").write_text("客户号,姓名\n,张三\n", encoding="utf-8")
    result = outreach(clients.clients, project, str(project / "clients.csv"))

    assert isinstance(result.exception, Failure)
    assert result.exception.code == PROBLEMS


def marketing_by_sms(project: Path, *options: str) -> tuple[str, str | None]:
    rows = document(consent.app, project, "show", "0000000001", *options)["consent"]
    (row,) = [one for one in rows if (one["channel"], one["purpose"]) == ("sms", "marketing")]
    return row["state"], row["since"]


def test_consent_is_shown_as_of_any_moment_and_only_the_client_lifts_an_opt_out(
    project: Path,
) -> None:
    take(project, "--as-of", "2026-09-24")
    said = ["--source", "sms_mo", "--reference", "MO1", "--at", "2026-09-25T10:00"]
    document(consent.app, project, "withdraw", "0000000001", "--channel", "sms", *said)
    document(consent.app, project, "grant", "0000000001", "--purpose", "marketing")
    assert marketing_by_sms(project) == (
        "opted out of the channel", "2026-09-25T02:00:00+00:00",
    )  # fmt: skip
    assert marketing_by_sms(project, "--as-of", "2026-09-24")[0] == "consented"

    document(
        consent.app, project, "grant", "0000000001", "--purpose", "marketing", "--source", "app"
    )

    assert marketing_by_sms(project)[0] == "consented"
    history = document(consent.app, project, "history", "0000000001")
    assert [one["action"] for one in history] == ["grant", "withdraw", "grant", "grant"]


def test_what_is_recorded_later_was_said_later_even_when_a_clock_goes_back(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(project, "--as-of", "2026-09-24")
    document(consent.app, project, "withdraw", "0000000001", "--channel", "sms", "--source", "web")
    monkeypatch.setenv("OUTREACH_CLOCK", "2026-09-28T15:29+08:00")
    assert marketing_by_sms(project, "--as-of", "2026-09-24")[0] == "consented"

    granted = ("grant", "0000000001", "--purpose", "marketing", "--source", "web")
    rows = document(consent.app, project, *granted)["consent"]

    assert {row["purpose"]: row["state"] for row in rows if row["channel"] == "sms"} == {
        **dict.fromkeys(
            ("regulatory", "service", "education", "survey"), "opted out of the channel"
        ),
        "marketing": "consented",
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", "99"), PROBLEMS),
        (("withdraw", "0000000001", "--source", "pigeon"), USAGE),
        (("grant", "0000000001", "--purpose", "marketing", "--until", "someday"), USAGE),
        (("withdraw", "0000000001", "--at", "2027-01-01"), USAGE),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    project: Path, words: tuple[str, ...], code: int
) -> None:
    take(project)
    result = outreach(consent.app, project, *words)

    assert isinstance(result.exception, Failure)
    assert result.exception.code == code


def test_the_samples_come_in_as_their_readme_says(project: Path) -> None:
    done = document(clients.clients, project, str(SAMPLES / "clients.csv"))
    held = document(clients.holdings, project, str(SAMPLES / "holdings.csv"))
    said = document(consent.app, project, "import", str(SAMPLES / "consents.csv"))
    halted = document(halts.app, project, "import", str(SAMPLES / "halts.csv"))

    assert (done["read"], done["added"], done["rejected"]) == (5000, 4975, 25)
    assert [one["rejected"] for one in (held, said, halted)] == [0, 0, 0]
    assert halted["added"] == 6
