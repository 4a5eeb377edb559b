"""Forbidden wording: finds phrases of a reviewed list in a text, however they are spaced out."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from outreach.core.words import Purpose

BARRIER: Final = "\x00"  # ends a clause: no phrase reaches across it
_COMMA: Final = "\x01"  # 、 between the items of a list: only a denial reaches across it
_CLAUSE_ENDS: Final = "，。；：！？\x00"


@dataclass(frozen=True, slots=True)
class PhraseGroup:
    """Phrases that are wrong for the same reason.

    A phrase right after one of `denials` is no hit (不保证收益), nor is one inside a longer phrase
    of `allowed` (无风险利率).
    """

    name: str
    severity: Literal["error", "warning"]
    why: str
    write: str
    phrases: tuple[str, ...]
    allowed: tuple[str, ...] = ()
    denials: tuple[str, ...] = ()
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
        """Every hit that counts for a purpose, in the order of the text.

        NFKC, case-folded, what stands between letters of one clause passed over, the longest
        phrase first, and nothing that is denied or inside an allowed phrase.
        """
        folded = _Folded(text)
        found = [
            Hit(group, folded.text[start:end], *folded.original(start, end))
            for group, pattern in self._patterns
            if purpose in group.purposes
            for start, end in _spans(pattern, folded)
        ]
        yield from sorted(found, key=lambda hit: hit.at)


def normalised(text: str) -> str:
    """A phrase as the search sees it: NFKC, case-folded, letters and digits only."""
    return _Folded(text).text.replace(BARRIER, "").replace(_COMMA, "")


def _pattern(group: PhraseGroup) -> re.Pattern[str]:
    """One alternation, longest first. What is denied or allowed is matched to be passed over."""
    phrases = _longest_first(group.phrases)
    either = "|".join(phrases)
    passed = []
    if group.denials:
        denials = "|".join(_longest_first(group.denials))
        passed.append(
            f"(?:{denials})(?:{either})(?:(?:或者|或|和|及|与|or|{_COMMA})?(?:{either}))*"
        )
    # An allowed phrase counts before a shorter forbidden one that begins at the same place.
    both = _longest_first((*group.allowed, *group.phrases))
    allowed = {re.escape(normalised(phrase)) for phrase in group.allowed}
    passed += [rf"(?P<hit_{at}>{p})" if p not in allowed else p for at, p in enumerate(both)]
    return re.compile("|".join(passed) or "(?!)")


def _longest_first(phrases: Iterable[str]) -> list[str]:
    folded = {normalised(phrase) for phrase in phrases} - {""}
    return [re.escape(p) for p in sorted(folded, key=lambda phrase: (-len(phrase), phrase))]


def _spans(pattern: re.Pattern[str], folded: "_Folded") -> Iterator[tuple[int, int]]:
    """The hits of one pattern. Latin phrases count as whole words only."""
    at = 0
    while match := pattern.search(folded.text, at):
        if not folded.whole_words(*match.span()):
            at = match.start() + 1
            continue
        if match.lastgroup:
            yield match.span()
        at = match.end()


class _Folded:
    """A text reduced to what phrases are compared by, with the way back to the original."""

    def __init__(self, text: str) -> None:
        letters: list[str] = []
        places: list[int] = []
        for place, character in enumerate(text):
            for folded in _read(text, place, character):
                letters.append(folded)
                places.append(place)
        self.text = "".join(letters)
        self._source = text
        self._places = places

    def original(self, start: int, end: int) -> tuple[str, int]:
        first, last = self._places[start], self._places[end - 1]
        return self._source[first : last + 1], first

    def whole_words(self, start: int, end: int) -> bool:
        """Whether no Latin word is cut at either end: `hurry` does not stand in `hurrying`."""
        return not (self._joined(start) or self._joined(end))

    def _joined(self, at: int) -> bool:
        if not 0 < at < len(self.text):
            return False
        touching = self._places[at] - self._places[at - 1] <= 1
        return touching and _latin(self.text[at - 1]) and _latin(self.text[at])


def _read(text: str, place: int, character: str) -> Iterator[str]:
    """What one character counts as: its letters, the end of a clause, or nothing.

    Clauses are kept apart, or 提供担保，本公司 would read as 保本.
    """
    if character == "、":
        yield _COMMA
    elif _ends_clause(character, text[place + 1 : place + 2]):
        yield BARRIER
    else:
        for folded in unicodedata.normalize("NFKC", character).casefold():
            if unicodedata.category(folded)[0] in "LN":
                yield folded


def _ends_clause(character: str, following: str) -> bool:
    return character in _CLAUSE_ENDS or (character in ".,;:!?" and following.isspace())


def _latin(character: str) -> bool:
    return character.isascii() and character.isalnum()
