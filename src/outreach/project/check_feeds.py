"""What is wrong in [feeds] although it fits its model: addresses, placeholders, markets, hours."""

from collections.abc import Iterator
from datetime import date
from ipaddress import ip_address
from string import Formatter
from urllib.parse import urlsplit

from outreach.core.halts import MARKET_CLOCKS
from outreach.core.problem import Problem
from outreach.project.feed_config import PLACEHOLDERS, HaltFeed, HaltSource
from outreach.project.shape import nearest
from outreach.project.toml_file import TomlFile
from outreach.project.toml_lines import KeyPath

PAGED = ("sse", "szse")


def check_feeds(feed: HaltFeed, file: TomlFile) -> Iterator[Problem]:
    """Every fault of [feeds.halts]."""
    yield from _markets(feed.own_markets, file, ("feeds", "halts", "own_markets"))
    names: dict[str, int] = {}
    for index, source in enumerate(feed.sources):
        path: KeyPath = ("feeds", "halts", "sources", index)
        first = names.setdefault(source.name, index)
        if first != index:
            wrong = f'"{source.name}" is the name of sources[{first}] too'
            yield file.problem((*path, "name"), wrong, "give each source a name of its own")
        yield from _markets(source.markets, file, (*path, "markets"))
        yield from _address(source, file, (*path, "url"))
        yield from _headers(source, file, (*path, "headers"))
        if source.between and source.between[0] >= source.between[1]:
            wrong = "ends before it begins"
            yield file.problem((*path, "between"), wrong, "write the earlier time first")


def _markets(markets: tuple[str, ...], file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    for market in markets:
        if market not in MARKET_CLOCKS:
            near = nearest(market, MARKET_CLOCKS)
            write = f"write {near}" if near else f"write some of {', '.join(MARKET_CLOCKS)}"
            yield file.problem(path, f'the market "{market}" is not known', write)


def _address(source: HaltSource, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    try:
        fields = {name for _, name, _, _ in Formatter().parse(source.url) if name is not None}
        filled = {"day": date(2026, 9, 24), "page": 1, "secret": "x"}
        parts = urlsplit(source.url.format(**filled))
        port_known = parts.port is None or parts.port > 0
    except (ValueError, KeyError, IndexError, AttributeError):
        fields, parts, port_known = set(), None, False
    if parts is None or not parts.hostname or not port_known or fields - {*PLACEHOLDERS}:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        write = f"write https://HOST/PATH; {known} are filled in, other braces are written twice"
        yield file.problem(path, "is not an address that can be asked", write)
        return
    if parts.username or parts.password:
        write = f"leave it out; write {{secret}} and set OUTREACH_SECRET_{source.name.upper()}"
        yield file.problem(path, "holds a name or password", write.replace("-", "_"))
    if parts.scheme not in ("https", "http"):
        yield file.problem(path, f"{parts.scheme} is not fetched", "write an https address")
    elif parts.scheme == "http" and not _inside(parts.hostname):
        wrong = "anybody on the way could change what http brings"
        yield file.warning(path, wrong, "write https where the source has it")
    if "page" in fields and source.form not in PAGED:
        wrong = f"{{page}} is for feeds in pages, which {source.form} is not"
        yield file.problem(path, wrong, "leave {page} out")
    elif "page" not in fields and source.form in PAGED:
        wrong = "the exchange answers in pages, and only the first would be asked for"
        yield file.warning(path, wrong, "write {page} where the number of the page stands")


def _inside(host: str) -> bool:
    """A host of this machine or of the firm's own network."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host


def _headers(source: HaltSource, file: TomlFile, path: KeyPath) -> Iterator[Problem]:
    for name, value in source.headers.items():
        legible = name.replace("-", "").isalnum() and name.isascii()
        if not legible or not value.isprintable() or not value.isascii():
            wrong = f'"{name}" cannot be sent as a header'
            yield file.problem((*path, name), wrong, "write letters and hyphens, a line of ASCII")
