"""A strict reader of calendar files, written from RFC 5545 and not from the program."""

import re

_LINE = re.compile(r"([A-Z-]+):(.*)", re.DOTALL)
_ESCAPES = {"\\n": "\n", "\\N": "\n", "\\;": ";", "\\,": ",", "\\\\": "\\"}
_TEXTS = {"SUMMARY", "DESCRIPTION", "UID", "X-WR-CALNAME"}


def read(file: bytes) -> tuple[str, list[dict[str, str]]]:
    """The calendar's name and the properties of its events. Raises AssertionError on any breach."""
    assert file.endswith(b"\r\n"), "the last line is ended too"
    assert b"\n" not in file.replace(b"\r\n", b""), "a bare line feed ends no line"
    assert b"\r" not in file.replace(b"\r\n", b"")
    physical = file[:-2].split(b"\r\n")
    assert all(len(line) <= 75 for line in physical)
    unfolded = file[:-2].replace(b"\r\n ", b"").replace(b"\r\n\t", b"").decode("utf-8")
    properties = []
    for line in unfolded.split("\r\n"):
        found = _LINE.fullmatch(line)
        assert found, f"no content line: {line!r}"
        properties.append((found[1], _value(found[1], found[2])))
    assert properties[0] == ("BEGIN", "VCALENDAR")
    assert properties[-1] == ("END", "VCALENDAR")
    return _components(properties[1:-1])


def _components(properties: list[tuple[str, str]]) -> tuple[str, list[dict[str, str]]]:
    head: dict[str, str] = {}
    events: list[dict[str, str]] = []
    inside: dict[str, str] | None = None
    for name, value in properties:
        if (name, value) == ("BEGIN", "VEVENT"):
            assert inside is None
            inside = {}
        elif (name, value) == ("END", "VEVENT"):
            assert inside is not None
            assert {"UID", "DTSTAMP", "DTSTART"} <= inside.keys()
            assert re.fullmatch(r"\d{8}T\d{6}Z", inside["DTSTART"])
            assert re.fullmatch(r"\d{8}T\d{6}Z", inside["DTSTAMP"])
            events.append(inside)
            inside = None
        else:
            target = head if inside is None else inside
            assert name not in target, f"{name} stands twice"
            target[name] = value
    assert inside is None
    assert head["VERSION"] == "2.0"
    assert head["PRODID"]
    return head["X-WR-CALNAME"], events


def _value(name: str, raw: str) -> str:
    if name not in _TEXTS:
        return raw
    bare = re.sub(r"\\.", "", raw)
    assert not re.search(r"[;,\\]", bare), f"{name} holds a mark that is not escaped"
    return re.sub(r"\\[nN;,\\]", lambda found: _ESCAPES[found[0]], raw)
