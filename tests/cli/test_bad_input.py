"""Whatever is wrong, a command says so in plain lines, ends with the right code, and half does
nothing. The house refuses every traceback."""

import socket
import stat
from pathlib import Path

import pytest

from tests.channels.mta import Mta, Taken, running
from tests.journeys.house import House, person
from tests.journeys.test_crashes import small_house
from tests.project.small_project import make_project

MAIL = '[senders.mail-file]\nkind = "file"\nchannel = "email"'


@pytest.fixture
def house(tmp_path: Path) -> House:
    return small_house(tmp_path, clients=4)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A project without a database, to put one fault into at a time."""
    folder = tmp_path_factory.mktemp("files")
    make_project(folder)
    return House(folder)


def smtp(house: House, port: int) -> None:
    house.edit(
        "config.toml", MAIL,
        f'[senders.mail-file]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"',
    )  # fmt: skip


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_sender_without_its_secret_asks_nobody_and_names_what_to_set(house: House) -> None:
    taken: list[Taken] = []
    with running(lambda _number: Mta("PIPELINING", "8BITMIME", taken=taken)) as server:
        smtp(house, server.port)
        house.edit("config.toml", f"port = {server.port}", f'port = {server.port}\nusername = "o"')
        said = house.type("run", "notice", as_json=True)

    assert (said.code, taken) == (1, [])
    assert said.document["messages"] == {"accepted": 4, "ready": 4}
    first = said.err.splitlines()[0]
    assert first == "mail-file has no secret; set OUTREACH_SECRET_MAIL_FILE or its _FILE"


def test_an_unreachable_mail_server_stops_the_mail_only_and_loses_nothing(house: House) -> None:
    port = closed_port()
    smtp(house, port)
    said = house.type("run", "notice", as_json=True)

    assert said.code == 1
    assert said.document["messages"] == {"accepted": 4, "ready": 4}
    assert f"127.0.0.1:{port}" in said.err
    assert "4 messages not sent yet" in said.err
    assert len(said.err.strip().splitlines()) == 2

    taken: list[Taken] = []
    with running(lambda _number: Mta("PIPELINING", "8BITMIME", taken=taken)) as server:
        house.edit("config.toml", f"port = {port}", f"port = {server.port}")
        ran = house.asked("run", "notice")
    assert ran["messages"] == {"accepted": 8}
    assert sorted(one.to for one in taken) == [f"c{n}@example.com" for n in range(1, 5)]
    assert len(house.sms()) == 4


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        pytest.param("config.toml", "[firm]", "[firm", "config.toml:", id="broken TOML"),
        pytest.param("config.toml", "hotline =", "hotlin =", "hotlin", id="unknown key"),
        pytest.param("campaigns/notice.toml", "purpose =", "purpos =", "purpos", id="campaign"),
        pytest.param(
            "templates/notice/sms.en.text.j2", "{{ topic }}", "{{ topic }", "sms.en.text.j2",
            id="broken template",
        ),
    ],
)  # fmt: skip
def test_a_broken_file_is_named(files: House, file: str, old: str, new: str, says: str) -> None:
    files.edit(file, old, new)
    try:
        for words in (("check",), ("run", "notice"), ("plan", "notice")):
            said = files.type(*words)
            assert said.code in (1, 3), said
            assert says in said.err
    finally:
        files.edit(file, new, old)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("run", "nothing-like-it"), 3, "there is no such campaign"),
        (("plan", "nothing-like-it"), 3, "there is no such campaign"),
        (("approve", "nothing-like-it", "--as", "li.na"), 3, "there is no such campaign"),
        (("runs", "show", "99"), 3, "there is no run 99"),
        (("runs", "pause", "99"), 3, "there is no run 99"),
        (("runs", "resume", "99"), 3, "there is no run 99"),
        (("runs", "cancel", "99", "--yes"), 3, "there is no run 99"),
        (("runs", "retry", "99"), 3, "there is no run 99"),
        (("preview", "notice", "--client", "no-such"), 3, "no such client"),
        (("preview", "notice", "--client", "000001", "--channel", "fax"), 3, "no channel fax"),
        (("run", "notice", "--occurrence", "yesterday"), 3, "notice: "),
        (("clients", "import", "nothing.csv"), 3, "nothing.csv"),
        (("nonsense",), 2, "nonsense"),
        (("run",), 2, "Missing argument"),
    ],
)
def test_what_is_not_there_is_named(
    house: House, words: tuple[str, ...], code: int, says: str
) -> None:
    said = house.type(*words)

    assert (said.code, says in said.err) == (code, True), said


def test_a_preview_that_cannot_be_written_says_where(house: House) -> None:
    target = house.folder / "nowhere" / "mail.txt"
    said = house.type("preview", "notice", "--client", "000001", "--out", str(target))

    assert said.code == 3
    assert said.err.strip() == f"{target}: cannot be written: No such file or directory"


def test_a_preview_in_a_file_is_its_owners_alone(house: House) -> None:
    target = house.folder / "mail.txt"
    for _ in range(2):  # a second look replaces the first
        house.type("preview", "notice", "--client", "000001", "--out", str(target))

    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("clock", ["yesterday", "2026-09-28T15:30"])
def test_a_clock_that_is_no_moment_is_refused(house: House, clock: str) -> None:
    house.clock = clock
    said = house.type("run", "notice")

    assert said.code == 3
    assert "OUTREACH_CLOCK" in said.err


def test_json_is_one_document_and_nothing_else(house: House) -> None:
    for words in (
        ("plan", "notice"), ("approvals",), ("run", "notice"), ("runs",), ("runs", "show", "1"),
        ("runs", "retry", "1"), ("preview", "notice", "--client", "000001"), ("log",),
        ("explain", "000001", "notice"), ("audit", "verify"), ("db", "current"),
    ):  # fmt: skip
        said = house.type(*words, as_json=True)
        assert said.code == 0, said
        assert said.document is not None, words
        assert said.err == "", words


def test_an_import_of_nothing_leaves_no_trace(house: House) -> None:
    empty = house.write("in/empty.csv", "")
    said = house.type("clients", "import", empty)

    assert said.code == 3
    assert "empty.csv" in said.err
    assert house.asked("plan", "notice")["audience"] == 4
    assert person(1).startswith("000001")
