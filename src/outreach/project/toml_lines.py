"""Where each key of a TOML source stands. The source is known to be valid: `tomllib` took it."""

import re
from bisect import bisect_right

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\r\n]*")
# A closing run of up to five quotes ends a multi-line string: the first two may belong to the text.
_STRINGS = (
    re.compile(r'"""(?:\\.|[^\\])*?"""(?:"{0,2})', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\])*"'),
    re.compile(r"'[^']*'"),
)
_ESCAPE = re.compile(r'\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([btnfr"\\]))')
_SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def key_lines(source: str) -> dict[KeyPath, int]:
    """The line, counted from 1, on which each key path is first written. Items go by index."""
    scan = _Scan(source)
    scan.document()
    return scan.lines


class _Scan:
    """Walks the source once. It needs to know where keys and values end, not what they mean."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._tables: dict[KeyPath, int] = {}  # arrays of tables: index of the latest
        self._newlines = [match.start() for match in re.finditer("\n", source)]

    def document(self) -> None:
        base: KeyPath = ()
        while self._next():
            if self.source.startswith("[[", self.at):
                base = self._header(2)
            elif self.source[self.at] == "[":
                base = self._header(1)
            else:
                self._pair(base)

    def _next(self) -> str:
        """The next character that means something; empty at the end."""
        self.at = self._end(_BLANK)
        return self.source[self.at : self.at + 1]

    def _end(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.source, self.at)
        return match.end() if match else self.at

    def _mark(self, path: KeyPath) -> None:
        self.lines.setdefault(path, bisect_right(self._newlines, self.at - 1) + 1)

    def _header(self, brackets: int) -> KeyPath:
        self.at += brackets
        *parents, last = self._key()
        path: KeyPath = ()
        for part in parents:
            path = self._latest((*path, part))
            self._mark(path)
        path = (*path, last)
        self._mark(path)
        if brackets == 2:
            self._tables[path] = self._tables.get(path, -1) + 1
        path = self._latest(path)
        self._mark(path)
        self._next()
        self.at += brackets
        return path

    def _latest(self, path: KeyPath) -> KeyPath:
        return (*path, self._tables[path]) if path in self._tables else path

    def _key(self) -> list[str]:
        """A bare, quoted or dotted key; leaves the position behind it."""
        parts: list[str] = []
        while True:
            quote = self._next()
            start = self.at
            self.at = self._string() if quote in "\"'" else self._end(_BARE)
            text = self.source[start : self.at]
            parts.append(_unquoted(text))
            # The position stays on the key's last line: a newline cannot stand inside a key.
            after = self._end(re.compile(r"[ \t]*"))
            if self.source[after : after + 1] != ".":
                return parts
            self.at = after + 1

    def _pair(self, base: KeyPath) -> None:
        self._next()
        start = self.at
        parts = self._key()
        behind, self.at = self.at, start
        for length in range(1, len(parts) + 1):
            self._mark((*base, *parts[:length]))
        self.at = behind
        self._next()
        self.at += 1  # the equals sign
        self._value((*base, *parts))

    def _value(self, path: KeyPath) -> None:
        first = self._next()
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self.at = self._string() if first in "\"'" else self._end(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self._next() != "]":
            if self.source[self.at] == ",":
                self.at += 1
                continue
            self._mark((*path, index))
            self._value((*path, index))
            index += 1
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self._next() != "}":
            if self.source[self.at] == ",":
                self.at += 1
                continue
            self._pair(path)
        self.at += 1

    def _string(self) -> int:
        for pattern in _STRINGS:
            if match := pattern.match(self.source, self.at):
                return match.end()
        return self.at + 1


def _unquoted(key: str) -> str:
    if key.startswith("'"):
        return key[1:-1]
    if key.startswith('"'):
        return _ESCAPE.sub(_character, key[1:-1])
    return key


def _character(match: re.Match[str]) -> str:
    short, long, letter = match.groups()
    return _SHORT[letter] if letter else chr(int(short or long, 16))
