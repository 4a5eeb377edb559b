"""What a preview says of the moment, and as what it may be written."""

from pathlib import Path

import pytest

from tests.journeys.house import House
from tests.journeys.test_crashes import small_house


@pytest.fixture
def house(tmp_path: Path) -> House:
    return small_house(tmp_path, clients=4)


def test_a_preview_is_held_until_a_moment_on_the_firms_clock(house: House) -> None:
    hours = "[limits.contact_hours]\nservice = { opens = 08:00:00, closes = 21:00:00 }\n\n[engine]"
    house.edit("config.toml", "[engine]", hours)
    house.clock = "2026-09-28T22:30+08:00"
    said = house.must("preview", "notice", "--client", "000001")
    assert "would be held until 2026-09-29 08:00 (Asia/Shanghai)" in said.out


@pytest.mark.parametrize(("channel", "name"), [("email", "a.docx"), ("sms", "a.eml")])
def test_a_preview_is_written_only_as_a_kind_of_file_that_it_is(
    house: House, tmp_path: Path, channel: str, name: str
) -> None:
    out = tmp_path / name
    words = ("preview", "notice", "--client", "000001", "--channel", channel, "--out", str(out))
    said = house.type(*words)
    assert said.code == 2
    assert "the name must end with one of" in said.err
    assert not out.exists()


def test_a_preview_of_an_sms_that_is_too_long_says_that_it_would_not_go(house: House) -> None:
    folder = house.folder / "templates" / "notice"
    for text in folder.glob("sms.*.text.j2"):
        text.write_text(text.read_text(encoding="utf-8").rstrip() + "长" * 70, encoding="utf-8")
    said = house.must("preview", "notice", "--client", "000001", "--channel", "sms")
    assert "would be suppressed" in said.out
    assert "(sms_too_long)" in said.out
