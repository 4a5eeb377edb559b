"""Where an event's candidates come from beside its segment: what only the facts of a run tell."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from outreach.core.words import Sentence


class Source(Protocol):
    """A set of clients that a run's own facts name. Frozen with the run, as JSON."""

    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Got:
    """Clients to whom a message of these runs went, or may have gone."""

    runs: tuple[int, ...]
    kind: Literal["got"] = "got"


@dataclass(frozen=True, slots=True)
class Fallen:
    """Clients who newly fell below a line of their margin ratio with one file. They must have been
    `rearm` hundredths of a percent above it since they last did."""

    book: int
    line: Literal["warn", "close"]
    rearm: int
    kind: Literal["fallen"] = "fallen"


def said(source: Source) -> Sentence:
    """Whom a source names, in words."""
    match source:
        case Got(runs=runs):
            which = ", ".join(map(str, runs))
            return Sentence(f"got run {which}, or may have", f"已收到或可能已收到批次 {which}")
        case Fallen(book=book, line=line):
            zh = {"warn": "警戒线", "close": "平仓线"}[line]
            return Sentence(
                f"newly fell below the {line} line of the margin ratio with file {book}",
                f"维持担保比例在文件 {book} 中新跌破{zh}",
            )
    return Sentence(source.kind, source.kind)


# By the `kind` that stands in the JSON.
SOURCES: Final[dict[str, type]] = {"got": Got, "fallen": Fallen}


def source_of(stored: dict[str, object]) -> Source:
    """A source read back. Raises KeyError for a kind this program does not know."""
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    found: Source = SOURCES[str(stored["kind"])](**values)
    return found
