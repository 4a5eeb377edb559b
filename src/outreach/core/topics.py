"""Topics of interest: the closed list a firm knows, and a client's topics as a text prints them.

A client's topics are kept as `,新能源,医药,`, in the Chinese words of the list.
"""

from collections.abc import Sequence

from outreach.core.formats import chinese
from outreach.core.written import Bilingual


def entries(value: object) -> list[str]:
    """The entries of a stored list."""
    return [entry for entry in str(value or "").split(",") if entry]


def topic_words(value: object, locale: str, known: Sequence[Bilingual] = ()) -> str | None:
    """A client's topics in a text's language; those that the firm does not know are left out. None
    where none is left."""
    own = entries(value)
    if known:
        words = {topic.zh: topic.in_(locale) for topic in known}
        own = [words[entry] for entry in own if entry in words]
    return ("、" if chinese(locale) else ", ").join(own) or None


def topic_named(word: str, known: Sequence[Bilingual]) -> str | None:
    """The entry a written word means, in either language; None where the firm does not know it."""
    folded = word.casefold()
    for topic in known:
        if folded in (topic.zh.casefold(), topic.en.casefold()):
            return topic.zh
    return None
