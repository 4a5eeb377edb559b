"""What is wrong with a source of halts is told at its key, before anybody is asked."""

from pathlib import Path
from typing import get_args

import pytest

from outreach.feeds.halts import PARSERS, paged
from outreach.project.check import check
from outreach.project.check_feeds import PAGED
from outreach.project.feed_config import Form
from tests.project.small_project import make_project

GOOD = 'name = "szse"\nform = "szse"\nurl = "https://www.szse.cn/api?day={day:%Y%m%d}&n={page}"\n'


def lines_of(folder: Path, *sources: str, halts: str = "") -> list[str]:
    make_project(folder)
    path = folder / "config.toml"
    more = "".join(f"\n[[feeds.halts.sources]]\n{one}" for one in sources)
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{halts}{more}", encoding="utf-8")
    _, problems = check(path)
    return [f"{one.severity}: {one.key}: {one.wrong}, {one.write}" for one in problems]


def test_a_source_as_it_should_be(tmp_path: Path) -> None:
    more = 'headers = { Referer = "https://www.szse.cn/" }\nbetween = [08:30:00, 15:30:00]\n'
    assert lines_of(tmp_path, GOOD + more) == []


@pytest.mark.parametrize(
    ("was", "becomes", "key", "says"),
    [
        ("https://www.szse.cn", "ftp://www.szse.cn", "url", "error: ftp is not fetched"),
        ("https://www.szse.cn", "http://www.szse.cn", "url",
         "warning: anybody on the way could change what http brings"),
        ("https://www", "https://joe:pw@www", "url", "error: holds a name or password"),
        ("{page}", "{pgae}", "url", "error: is not an address that can be asked"),
        ("{page}", "{page.__class__}", "url", "error: is not an address that can be asked"),
        ("{page}", "{", "url", "error: is not an address that can be asked"),
        ("https://www.szse.cn/", "www.szse.cn/", "url", "is not an address that can be asked"),
        ("{page}", "1", "url", "warning: the exchange answers in pages"),
        ('form = "szse"', 'form = "nasdaq"', "url", "error: {page} is for feeds in pages"),
        ('form = "szse"', 'form = "szse"\nmarkets = ["XSZE"]', "markets",
         'error: the market "XSZE" is not known, write XSHE'),
        ('form = "szse"', 'form = "szse"\nbetween = [15:30:00, 08:30:00]', "between",
         "error: ends before it begins"),
        ('form = "szse"', 'form = "szse"\nheaders = { "Re ferer" = "x" }', 'headers."Re ferer"',
         'error: "Re ferer" cannot be sent as a header'),
        ('form = "szse"', 'form = "szse"\nheaders = { Referer = "a\\nb" }', "headers.Referer",
         "cannot be sent as a header"),
        ('form = "szse"', 'form = "zsse"', "form", ""),
    ],
)  # fmt: skip
def test_a_fault_of_a_source(tmp_path: Path, was: str, becomes: str, key: str, says: str) -> None:
    (line,) = lines_of(tmp_path, GOOD.replace(was, becomes))

    severity, _, rest = line.partition(": ")
    assert rest.startswith(f"feeds.halts.sources[0].{key}: ")
    assert says in f"{severity}: {rest.partition(': ')[2]}"


def test_http_within_the_house_is_nothing_to_warn_of(tmp_path: Path) -> None:
    assert lines_of(tmp_path, GOOD.replace("https://www.szse.cn", "http://10.1.2.3:8080")) == []


def test_a_name_is_given_once(tmp_path: Path) -> None:
    (line,) = lines_of(tmp_path, GOOD, GOOD)
    assert 'feeds.halts.sources[1].name: "szse" is the name of sources[0] too' in line


def test_the_markets_of_our_own_lists_are_known_ones(tmp_path: Path) -> None:
    (line,) = lines_of(tmp_path, halts='[feeds.halts]\nown_markets = ["XSHG", "SH"]\n')
    assert 'feeds.halts.own_markets: the market "SH" is not known' in line


def test_the_forms_are_those_there_are_parsers_for() -> None:
    assert set(get_args(Form)) == set(PARSERS)
    assert set(PAGED) == paged.FORMS
