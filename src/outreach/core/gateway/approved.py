"""Approved templates: the gateway renders, so a text goes only where its template makes it again.

A template is written as the gateway approved it, `${name}` or `{1}` for a variable.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

_VARIABLE: Final = re.compile(r"\$?\{(\w+)\}")
_LINK: Final = re.compile(r"https?://|www\.|[a-z0-9-]\.(?:com|cn|net|org)\b", re.IGNORECASE)


class Unapproved(Exception):
    """No approved template makes this text. `code` for the record, the sentence for people."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code


class Filled(NamedTuple):
    """An approved template and the variables that make one text of it, in its order."""

    template: str
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Approved:
    """`fixed` are the stretches between the variables `names`: always one more of them."""

    id: str
    text: str
    fixed: tuple[str, ...]
    names: tuple[str, ...]

    def variables(self, body: str) -> dict[str, str] | None:
        """The variables that make this body, or None.

        Each variable is as short as what follows it allows, and never empty. Where fixed text
        stands between any two, that finds a fit whenever there is one.
        """
        if not self.names:
            return {} if body == self.text else None
        if not body.startswith(self.fixed[0]):
            return None
        found: dict[str, str] = {}
        at, last = len(self.fixed[0]), len(self.names) - 1
        for place, name in enumerate(self.names):
            after = self.fixed[place + 1]
            if place == last:
                end = len(body) - len(after)
                if not body.endswith(after) or end <= at:
                    return None
            elif (end := body.find(after, at + 1)) < 0:
                return None
            if found.setdefault(name, body[at:end]) != body[at:end]:
                return None
            at = end + len(after)
        return found if self.render(found) == body else None

    def render(self, variables: dict[str, str]) -> str:
        """The text the gateway makes of it."""
        return _VARIABLE.sub(lambda found: variables[found[1]], self.text)


def approved(id_: str, text: str) -> Approved:
    """A template as the gateway approved it. Raises ValueError with what is wrong with it."""
    names = tuple(_VARIABLE.findall(text))
    fixed = tuple(_VARIABLE.split(text)[::2])
    if "【" in text or "】" in text:
        raise ValueError("holds 【 or 】, which gateways keep for the signature")
    if any(not between for between in fixed[1:-1]):
        raise ValueError("has two variables with nothing between them")
    if names and not "".join(fixed).strip():
        raise ValueError("is nothing but variables, which no gateway approves")
    return Approved(id_, text, fixed, names)


def fill(body: str, templates: Iterable[Approved], *, links: bool) -> Filled:
    """The first template that makes exactly this body. Raises `Unapproved`."""
    for template in templates:
        variables = template.variables(body)
        if variables is None:
            continue
        if not links and any(_LINK.search(value) for value in variables.values()):
            words = f"a variable of template {template.id} would hold a link"
            raise Unapproved("link_in_variable", words)
        return Filled(template.id, variables)
    raise Unapproved("no_template", "no approved template of this sender makes this text")


def split_signature(text: str) -> tuple[str, str]:
    """`【示例证券】休市` as its signature and the rest; an empty signature where there is none."""
    if text.startswith("【") and (end := text.find("】")) > 0:
        return text[1:end], text[end + 1 :]
    return "", text
