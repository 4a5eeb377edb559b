"""Every key of a TOML file knows its line, and every unreadable file says why in one line."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core.problem import Problem
from outreach.project.toml_file import TomlFile, dotted, read_toml
from outreach.project.toml_lines import KeyPath, key_lines

SOURCE = '''# a comment with [brackets] and "quotes
title = "x"   # trailing
a.b."c.d" = 1
text = """
[not.a.table]
key = 1 \\"""
"""
raw = \'\'\'
[[nor.this]]
\'\'\'
list = [
  1,
  [2, 3],   # ] inside a comment
  { x = 1, y = "}" },
]

[table]
key = "]"
"quoted \\"key\\"" = 2
\'single\' = 3
[table.inner]
z = 1979-05-27T07:32:00Z

[[items]]
name = "first"
[items.sub]
deep = true
[[items]]
name = "second"
[[items.rows]]
n = 1
[[items.rows]]
n = { m = [ { o = 1 } ] }
'''

LINES: list[tuple[KeyPath, int]] = [
    (("title",), 2),
    (("a",), 3),
    (("a", "b", "c.d"), 3),
    (("text",), 4),
    (("raw",), 8),
    (("list",), 11),
    (("list", 0), 12),
    (("list", 1, 1), 13),
    (("list", 2), 14),
    (("list", 2, "y"), 14),
    (("table",), 17),
    (("table", "key"), 18),
    (("table", 'quoted "key"'), 19),
    (("table", "single"), 20),
    (("table", "inner", "z"), 22),
    (("items", 0), 24),
    (("items", 0, "name"), 25),
    (("items", 0, "sub", "deep"), 27),
    (("items", 1), 28),
    (("items", 1, "name"), 29),
    (("items", 1, "rows", 1, "n", "m", 0, "o"), 33),
]


def written(path: Path, source: str | bytes) -> Path:
    path.write_bytes(source.encode() if isinstance(source, str) else source)
    return path


def read(path: Path) -> TomlFile:
    file = read_toml(path)
    assert isinstance(file, TomlFile), file
    return file


@pytest.mark.parametrize(("key_path", "line"), LINES, ids=lambda value: str(value))
def test_each_key_stands_on_its_line(tmp_path: Path, key_path: KeyPath, line: int) -> None:
    assert read(written(tmp_path / "a.toml", SOURCE)).line_of(key_path) == line


def test_windows_line_ends_count_once(tmp_path: Path) -> None:
    file = read(written(tmp_path / "a.toml", SOURCE.replace("\n", "\r\n")))

    assert [file.line_of(key_path) for key_path, _ in LINES] == [line for _, line in LINES]


def test_a_key_that_is_not_written_stands_at_the_table_around_it(tmp_path: Path) -> None:
    file = read(written(tmp_path / "a.toml", SOURCE))

    assert file.line_of(("table", "inner", "absent")) == 21
    assert file.line_of(("items", 1, "absent")) == 28
    assert file.line_of(("absent",)) == 1


def paths(data: object, path: KeyPath = ()) -> list[KeyPath]:
    if isinstance(data, dict):
        below = [paths(value, (*path, key)) for key, value in data.items()]
    elif isinstance(data, list):
        below = [paths(value, (*path, index)) for index, value in enumerate(data)]
    else:
        return [path]
    return [path, *(inner for many in below for inner in many)]


def test_every_key_the_parser_sees_has_a_line() -> None:
    lines = key_lines(SOURCE)

    seen = {path for path in paths(tomllib.loads(SOURCE)) if path}
    assert {path for path in seen if path not in lines} == {("items",)} - set(lines)


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r"), max_size=6)


def toml_string(text: str) -> str:
    return '"' + "".join(f"\\U{ord(character):08X}" for character in text) + '"'


SCALARS = st.one_of(
    st.integers(-99, 99).map(str),
    st.booleans().map(lambda flag: str(flag).lower()),
    TEXT.map(toml_string),
    st.sampled_from(
        ["1.5", "inf", "2026-10-01", "09:00:00", "'a]b'", '"""\n]\n"""', "'''\n}\n'''"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[ " + ",\n".join(items) + " ]"),
        st.dictionaries(TEXT, inner, max_size=3).map(
            lambda pairs: (
                "{ " + ", ".join(f"{toml_string(k)} = {v}" for k, v in pairs.items()) + " }"
            )
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(TEXT, VALUES), max_size=4, unique_by=lambda pair: pair[0]))
def test_keys_of_any_document_stand_where_they_were_written(pairs: list[tuple[str, str]]) -> None:
    source, expected, line = "", {}, 1
    for key, value in pairs:
        source += f"# {'['}\n{toml_string(key)} = {value}\n"
        expected[(key,)] = line + 1
        line += 2 + value.count("\n")

    lines = key_lines(source)

    assert {path: lines[path] for path in expected} == expected
    assert {path for path in paths(tomllib.loads(source)) if path} == set(lines)


@pytest.mark.parametrize(
    ("source", "line", "wrong", "write"),
    [
        pytest.param(
            "a = 1\nb 2\n", 2,
            "broken TOML: expected '=' after a key in a key/value pair (column 3)",
            "write key = value", id="no equals sign",
        ),
        pytest.param(
            "a = 1\nb = x\n", 2, "broken TOML: invalid value (column 5)",
            'write text in "quotes", numbers and true or false without', id="text without quotes",
        ),
        pytest.param(
            "a = 1\n\na = 2\n", 3, "broken TOML: cannot overwrite a value (column 6)",
            "keep one of the two lines", id="the same key twice",
        ),
        pytest.param(
            "[t]\n[t]\n", 2, "broken TOML: [t] stands here a second time (column 3)",
            "keep one of the two table headers", id="the same table twice",
        ),
        pytest.param(
            'a = "x\nb = 1\n', 1, "broken TOML: illegal character '\\n' (column 7)",
            "close the text with the quote it began with, on the same line", id="open quote",
        ),
        pytest.param(
            "a = [1,\n2\n", 2, "broken TOML: unclosed array", "close the list with ]",
            id="open list at the end of the file",
        ),
        pytest.param(
            'a = 1\nb = "示例"\n'.encode("gb18030"), 2, "the file is not UTF-8 (byte 0xC0)",
            "save it as UTF-8", id="GB18030",
        ),
        pytest.param(
            b"\xef\xbb\xbfa = 1\n", 1, "the file begins with a byte order mark",
            "save it as UTF-8 without BOM", id="byte order mark",
        ),
        pytest.param(
            "a = 1\n".encode("utf-16"), 1, "the file is UTF-16", "save it as UTF-8", id="UTF-16"
        ),
        pytest.param(
            "a = " + "[" * 5000, 1, "values are nested too deeply",
            "write at most a few levels", id="nested without end",
        ),
    ],
)  # fmt: skip
def test_a_broken_file_is_one_problem_with_its_line(
    tmp_path: Path, source: str | bytes, line: int, wrong: str, write: str
) -> None:
    path = written(tmp_path / "a.toml", source)

    assert read_toml(path) == Problem(str(path), line, "", wrong, write)


def test_a_file_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    absent, folder = tmp_path / "absent.toml", tmp_path

    assert str(read_toml(absent)) == (
        f"{absent}:1: the file does not exist, create it or correct the path"
    )
    assert str(read_toml(folder)) == f"{folder}:1: this is not a file, name a file here"
    below = written(tmp_path / "a.toml", "") / "b.toml"
    assert str(read_toml(below)) == f"{below}:1: this is not a file, name a file here"


def test_key_paths_are_shown_as_they_would_be_written() -> None:
    assert dotted(("routes", 1, "sender")) == "routes[1].sender"
    assert dotted(("table", "a.b")) == 'table."a.b"'


@pytest.mark.parametrize(
    ("written", "write"),
    [
        ("port = 25，\n", "， is a full-width character, write , or nothing instead"),
        ("port ＝ 25\n", "＝ is a full-width character, write = instead"),
        ("host = “a”\n", '“ is a full-width character, write " instead'),
        ("at = [9:00, 21:00]\n", "write a time with two digits each, as 09:00:00"),
        ("hours = { closes = 24:00:00 }\n", "a day ends at 23:59:59"),
        ("hours = { opens = 08:00, closes = 20:00:00 }\n", "as 09:00:00"),
        ("at = [09:00:00, 21:00:00\n", "close the list with ]"),
    ],
)
def test_what_a_chinese_keyboard_or_a_clock_types_is_said_to_be_it(
    tmp_path: Path, written: str, write: str
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"a = 1\n{written}", encoding="utf-8")
    found = read_toml(path, "config.toml")
    assert isinstance(found, Problem)
    assert write in found.write
