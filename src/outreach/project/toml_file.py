"""A TOML file with the line of every key, so that each fault can be shown where it stands."""

import re
import tomllib
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any

from outreach.core.problem import Problem
from outreach.project.toml_lines import KeyPath, key_lines

_TABLE_TWICE = re.compile(r"^Cannot declare \(([^)]*?),?\) twice")
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?\b")
# What an input method for Chinese writes in place of the characters that TOML knows.
_WIDE = {"，": ",", "＝": "=", "“": '"', "”": '"', "‘": "'", "’": "'", "［": "[", "］": "]",
         "【": "[", "】": "]", "｛": "{", "｝": "}", "＃": "#", "：": "=", "　": " "}  # fmt: skip
_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

# What tomllib says, and what a clerk can do about it. The first that begins so is taken.
_REMEDIES = (
    ("Expected '=' after a key", "write key = value"),
    ("Invalid value", 'write text in "quotes", numbers and true or false without'),
    ("Cannot overwrite a value", "keep one of the two lines"),
    ("Cannot declare", "keep one of the two table headers"),
    ("Cannot mutate immutable namespace", "keep one of the two places that fill this table"),
    ("Cannot redefine namespace", "keep one of the two places that fill this table"),
    ("Duplicate inline table key", "keep one of the two keys"),
    ("Unclosed array", "close the list with ]"),
    ("Unclosed inline table", "close the table with }"),
    ("Illegal character", "close the text with the quote it began with, on the same line"),
    ("Unterminated string", "close the text with the quotes it began with"),
    ("Unescaped '\\'", "write the backslash twice, or use 'single quotes'"),
    ("Expected newline or end of document", "begin a new line there, or put the text in quotes"),
    (
        "Invalid initial character for a key",
        'put a key with other than A-Z a-z 0-9 _ - in "quotes"',
    ),
    ("Expected ']' at the end of a table declaration", "close the table header with ]"),
    ("Expected ']]' at the end", "close the table header with ]]"),
    ("Invalid date or datetime", "write a date as 2026-10-01, a time as 09:00:00"),
    ("Unbalanced quotes", "close the text with the quotes it began with"),
)


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file that was read: `name` as it is shown to people, its values, and where they stand."""

    path: Path
    name: str
    source: bytes
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(repr=False)

    def line_of(self, key_path: KeyPath) -> int:
        """The line of a key; of the nearest table around it where the key is not written."""
        for length in range(len(key_path), 0, -1):
            if line := self.lines.get(tuple(key_path[:length])):
                return line
        return 1

    def problem(self, key_path: KeyPath, wrong: str, write: str) -> Problem:
        """An error at a key of this file."""
        return Problem(self.name, self.line_of(key_path), dotted(key_path), wrong, write)

    def warning(self, key_path: KeyPath, wrong: str, write: str) -> Problem:
        """A warning at a key of this file."""
        line = self.line_of(key_path)
        return Problem(self.name, line, dotted(key_path), wrong, write, "warning")


def dotted(key_path: KeyPath) -> str:
    """`("routes", 1, "sender")` as `routes[1].sender`; keys that need quotes get them."""
    text = ""
    for part in key_path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = re.fullmatch(r"[\w-]+", part)
            text += ("." if text else "") + (part if bare else f'"{part}"')
    return text


def read_toml(path: Path, name: str | None = None) -> TomlFile | Problem:
    """Read a TOML file; what keeps it from being read is one Problem, never an exception."""
    name = name or str(path)
    source = read_source(path, name)
    if isinstance(source, Problem):
        return source
    text = decode(source, name)
    if isinstance(text, Problem):
        return text
    try:
        data = tomllib.loads(text)
        return TomlFile(path, name, source, data, key_lines(text))
    except RecursionError:
        return Problem(name, 1, "", "values are nested too deeply", "write at most a few levels")
    except ValueError as error:
        return _syntax_problem(name, text, str(error))


def read_source(path: Path, name: str) -> bytes | Problem:
    """The bytes of a file, or why they cannot be had."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return Problem(name, 1, "", "the file does not exist", "create it or correct the path")
    except (IsADirectoryError, NotADirectoryError):
        return Problem(name, 1, "", "this is not a file", "name a file here")
    except PermissionError:
        return Problem(
            name, 1, "", "the file may not be read", "give this user the right to read it"
        )
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "the path is not valid"
        return Problem(
            name, 1, "", f"the file cannot be read ({what})", "check the path and the disk"
        )


def decode(source: bytes, name: str) -> str | Problem:
    """UTF-8 without a byte order mark, or the line where it stops being that."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem(name, 1, "", "the file is UTF-16", "save it as UTF-8")
    if source.startswith(b"\xef\xbb\xbf"):
        wrong = "the file begins with a byte order mark"
        return Problem(name, 1, "", wrong, "save it as UTF-8 without BOM")
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        wrong = f"the file is not UTF-8 (byte 0x{source[error.start]:02X})"
        return Problem(name, line, "", wrong, "save it as UTF-8")


def _syntax_problem(name: str, text: str, message: str) -> Problem:
    match = _POSITION.search(message)
    said = message[: match.start()] if match else "a value is not valid"
    last = text.count("\n") + (not text.endswith("\n"))
    line = int(match[1]) if match and match[1] else max(last, 1)
    where = f" (column {match[2]})" if match and match[2] else ""
    write = next((write for begins, write in _REMEDIES if said.startswith(begins)), None)
    if match and match[1]:
        write = _likely(text.split("\n")[line - 1], int(match[2])) or write
    if twice := _TABLE_TWICE.match(said):
        parts = [part.strip().strip("'") for part in twice[1].split(",")]
        said = f"[{'.'.join(parts)}] stands here a second time"
    said = said[:1].lower() + said[1:]
    return Problem(name, line, "", f"broken TOML: {said}{where}", write or "correct the line")


def _likely(line: str, column: int) -> str | None:
    """What people type that TOML does not know, if it stands where reading stopped: a Chinese
    comma or quote, or a time without seconds."""
    at = line[column - 1 : column]
    if at in _WIDE and at:
        known = {"　": "a space", "，": ", or nothing"}.get(at, _WIDE[at])
        return f"{at} is a full-width character, write {known} instead"
    for found in _CLOCK.finditer(line):
        if not found.start() < column <= found.end() + 1:
            continue
        try:
            time.fromisoformat(found[0])
        except ValueError:
            wanted = True
        else:
            wanted = len(found[0]) < len("09:00:00")
        if wanted:
            return "write a time with two digits each, as 09:00:00; a day ends at 23:59:59"
    return None
