"""Where an event's candidates come from beside its segment: what only the facts of a run tell."""

from dataclasses import dataclass
from typing import Final, Literal, Protocol


class Source(Protocol):
    """A set of clients that a run's own facts name. Frozen with the run, as JSON."""

    @property
    def kind(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Got:
    """Clients to whom a message of these runs went, or may have gone."""

    runs: tuple[int, ...]
    kind: Literal["got"] = "got"


# By the `kind` that stands in the JSON.
SOURCES: Final[dict[str, type]] = {"got": Got}


def source_of(stored: dict[str, object]) -> Source:
    """A source read back. Raises KeyError for a kind this program does not know."""
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    found: Source = SOURCES[str(stored["kind"])](**values)
    return found
