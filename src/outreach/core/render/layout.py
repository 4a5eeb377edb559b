"""The frame around an e-mail: the part put into its layout, the styles moved into the tags.

Mail programs drop or rewrite style sheets, so every rule is written into the elements it concerns,
once, when the template is compiled. Only style blocks marked `data-css-inline="ignore"` (media
queries: dark mode, narrow screens) stay in the head.
"""

import re
from collections import Counter
from typing import Final

from outreach.core.problem import Problem
from outreach.core.render.part import Source, TemplateError

MARKER: Final = "{# body #}"
PREHEADER: Final = "{# preheader #}"

_TAG: Final = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
_PREHEADER: Final = re.compile(r"\{#-?\s*preheader:[ \t]*([^\n]*?)\s*#\}")
_KEPT: Final = re.compile(
    r"<style\s+data-css-inline=\"ignore\"\s*>(.*?)</style>\s*", re.DOTALL | re.IGNORECASE
)
_STAND_IN: Final = re.compile(r"<!--(qz\d+zq)-->|(qz\d+zq)")
_IN_CLASS: Final = re.compile(r"\bclass=\"[^\"]*qz\d+zq")
_LANDMARK: Final = re.compile(r"<([a-zA-Z][a-zA-Z0-9]*)|qz\d+zq")
# What changes the meaning of the characters that follow, for `_Place`.
_MARKUP: Final = re.compile(
    r"<!--|-->|<(style|title|script|textarea)\b|</(?:style|title|script|textarea)\s*>"
    r"|</?[a-zA-Z]|[>\"']",
    re.IGNORECASE,
)


def compose(layout: Source, part: Source) -> Source:
    """The part in the place of the layout's marker line, with a map back to both files.

    A part may begin with `{# preheader: ... #}`, the words a mailbox shows beside the subject; they
    go to the layout's `{# preheader #}`, if it has one.
    """
    if layout.text.count(MARKER) != 1:
        wrong = "has not one place for the body"
        raise TemplateError([Problem(layout.file, 1, "", wrong, f"write {MARKER} once")])
    words = _PREHEADER.match(part.text)
    at = layout.text.find(PREHEADER)
    frame = layout.text.replace(PREHEADER, words.group(1) if words else "", 1)
    before, after = frame.split(MARKER)
    body = part.text.rstrip("\n")
    return Source(
        before + body + after,
        part.file,
        layout.file,
        first=before.count("\n") + 1,
        lines=body.count("\n") + 1,
        preheader=layout.text.count("\n", 0, at) + 1 if words and at >= 0 else 0,
    )


def inline_styles(source: Source) -> str:
    """The same HTML with its style rules written into the elements; Jinja tags come back untouched.

    Raises `TemplateError` where a tag stands between the attributes of an element, or where the
    HTML is not what a browser would read (an implied <tbody>, an element that is never closed).
    """
    from css_inline import CSSInliner

    if _STAND_IN.search(source.text):
        raise _refused(source, 0, "holds a name kept for styles (qz0zq)", "choose another word")
    kept: list[str] = []
    text = _KEPT.sub(lambda found: _put(kept, found.group()), source.text)
    tags: list[str] = list(kept)
    swapped = _swapped(source, text, tags)
    inlined = CSSInliner(load_remote_stylesheets=False).inline(swapped)
    if _IN_CLASS.search(swapped):
        wrong = "a tag stands in class, where no style rule can see it"
        raise _refused(source, 0, wrong, "put the tag round the element")
    _compare(source, swapped, inlined)
    restored = _STAND_IN.sub(lambda found: tags[_number(found)], inlined)
    # A style block kept whole may hold tags of its own; its mark has done its work.
    return restored.replace('<style data-css-inline="ignore">', "<style>")


def _put(store: list[str], text: str) -> str:
    store.append(text)
    return f"<!--qz{len(store) - 1}zq-->"


def _number(found: re.Match[str]) -> int:
    return int((found.group(1) or found.group(2))[2:-2])


def _swapped(source: Source, text: str, tags: list[str]) -> str:
    """Every Jinja tag replaced by a stand-in that an HTML parser leaves where it is."""
    pieces: list[str] = []
    place = _Place()
    at = 0
    for found in _TAG.finditer(text):
        place.read(text[at : found.start()])
        pieces.append(text[at : found.start()])
        at = found.end()
        tag = found.group()
        if tag.startswith("{#"):
            continue
        if place.between_attributes:
            line = source.text.count("\n", 0, source.text.find(tag)) + 1
            raise _refused(
                source, line, "a tag stands between the attributes", "move it out of < >"
            )
        if place.raw in {"style", "script"}:
            line = source.text.count("\n", 0, source.text.find(tag)) + 1
            raise _refused(source, line, f"a tag stands in <{place.raw}>", "move it out")
        tags.append(tag)
        name = f"qz{len(tags) - 1}zq"
        statement = tag.startswith("{%") and not place.in_attribute and not place.raw
        pieces.append(f"<!--{name}-->" if statement else name)
    return "".join(pieces) + text[at:]


class _Place:
    """Where in the HTML we stand: between elements, in a quoted attribute, in raw text."""

    def __init__(self) -> None:
        self._quote = ""
        self._in_element = False
        self._opening = ""
        self.raw = ""  # comment, style, title ... that holds no elements

    @property
    def in_attribute(self) -> bool:
        return bool(self._quote)

    @property
    def between_attributes(self) -> bool:
        return self._in_element and not self._quote

    def read(self, text: str) -> None:
        for found in _MARKUP.finditer(text):
            self._step(found.group().lower(), (found.group(1) or "").lower())

    def _step(self, mark: str, raw: str) -> None:
        if self._in_element:
            self._step_in_element(mark)
        elif self.raw:
            if mark == "-->" if self.raw == "<!--" else mark.startswith(f"</{self.raw}"):
                self.raw = ""
        elif mark == "<!--":
            self.raw = mark
        elif mark.startswith("<"):
            self._in_element = not mark.endswith(">")
            self._opening = raw

    def _step_in_element(self, mark: str) -> None:
        if self._quote:
            if mark == self._quote:
                self._quote = ""
        elif mark in {'"', "'"}:
            self._quote = mark
        elif mark == ">":
            self._in_element = False
            self.raw, self._opening = self._opening, ""


def _compare(source: Source, before: str, after: str) -> None:
    """Refuse HTML that the parser had to mend: what it adds or moves lands outside of the tags."""
    was, is_ = _order(before), _order(after)
    changed = Counter(was)
    changed.subtract(is_)
    if added := sorted(name for name, times in changed.items() if times):
        names = ", ".join(f"<{name}>" for name in added)
        raise _refused(source, 0, f"the HTML leaves {names} to be guessed", "write every element")
    if was != is_:
        wrong = "a tag stands where HTML allows no text"
        raise _refused(source, 0, wrong, "move it into a cell or round whole rows")


def _order(html: str) -> list[str]:
    """The elements as they begin, and the stand-ins between them; style sheets come and go."""
    found = [match.group(1) or match.group() for match in _LANDMARK.finditer(html)]
    return [name for name in map(str.lower, found) if name != "style"]


def _refused(source: Source, line: int, wrong: str, write: str) -> TemplateError:
    file, line = source.locate(line)
    return TemplateError([Problem(file, line or 1, "", wrong, write)])
