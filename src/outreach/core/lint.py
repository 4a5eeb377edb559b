"""Forbidden wording: finds phrases of a reviewed list in a text, however they are spaced out."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from outreach.core.words import Purpose

BARRIER: Final = "\x00"  # no phrase reaches across it
_FULL_STOPS: Final = "，。；：！？、\x00"


@dataclass(frozen=True, slots=True)
class PhraseGroup:
    """Phrases that are wrong for the same reason. `allowed` are longer ones that are right."""

    name: str
    severity: Literal["error", "warning"]
    why: str
    write: str
    phrases: tuple[str, ...]
    allowed: tuple[str, ...] = ()
    purposes: tuple[Purpose, ...] = tuple(Purpose)


@dataclass(frozen=True, slots=True)
class Hit:
    """A forbidden phrase in a text. `found` is as it is written there; `at` counts from 0."""

    group: PhraseGroup
    phrase: str
    found: str
    at: int


class Lint:
    """The phrase list, ready to search with."""

    def __init__(self, groups: Sequence[PhraseGroup]) -> None:
        self.groups = tuple(groups)
        self._patterns = [(group, _pattern(group)) for group in self.groups]

    def hits(self, text: str, purpose: Purpose) -> Iterator[Hit]:
        """Every hit that counts for a purpose, by place and group.

        NFKC, case-folded, what stands between letters of one clause passed over, the longest
        phrase first, and nothing inside an allowed phrase.
        """
        folded = _Folded(text)
        found = [
            Hit(group, folded.text[match.start() : match.end()], *folded.original(*match.span()))
            for group, (pattern, allowed) in self._patterns
            if purpose in group.purposes
            for match in pattern.finditer(folded.text)
            if match.group() not in allowed and folded.whole_words(*match.span())
        ]
        yield from sorted(found, key=lambda hit: hit.at)


def normalised(text: str) -> str:
    """A phrase as the search sees it: NFKC, case-folded, letters and digits only."""
    return _Folded(text).text.replace(BARRIER, "")


def _ends_clause(text: str, place: int) -> bool:
    """Whether a clause ends here, so that 提供担保，本公司 does not read as 保本."""
    if text[place] in _FULL_STOPS:
        return True
    return text[place] in ".,;:!?" and text[place + 1 : place + 2].isspace()


class _Folded:
    """A text reduced to what phrases are compared by, with the way back to the original."""

    def __init__(self, text: str) -> None:
        letters: list[str] = []
        places: list[int] = []
        for place, character in enumerate(text):
            if _ends_clause(text, place):
                letters.append(BARRIER)
                places.append(place)
                continue
            for folded in unicodedata.normalize("NFKC", character).casefold():
                if unicodedata.category(folded)[0] in "LN":
                    letters.append(folded)
                    places.append(place)
        self.text = "".join(letters)
        self._source = text
        self._places = places

    def original(self, start: int, end: int) -> tuple[str, int]:
        first, last = self._places[start], self._places[end - 1]
        return self._source[first : last + 1], first

    def whole_words(self, start: int, end: int) -> bool:
        """A Latin phrase must not begin or end inside a word: `hurry` is not in `Hurrying`."""
        return not (self._joined(start) or self._joined(end))

    def _joined(self, at: int) -> bool:
        """Whether two Latin letters meet here without anything between them."""
        if not 0 < at < len(self.text):
            return False
        touching = self._places[at] - self._places[at - 1] <= 1
        return touching and self.text[at - 1].isascii() and self.text[at].isascii()


def _pattern(group: PhraseGroup) -> tuple[re.Pattern[str], frozenset[str]]:
    """One alternation, longest first; an allowed phrase is matched so as to be passed over."""
    allowed = {normalised(phrase) for phrase in group.allowed}
    every = allowed | {normalised(phrase) for phrase in group.phrases}
    ordered = sorted(every - {""}, key=lambda phrase: (-len(phrase), phrase))
    return re.compile("|".join(map(re.escape, ordered)) or "(?!)"), frozenset(allowed)
