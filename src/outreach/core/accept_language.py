"""The language a browser asks for (RFC 9110 12.5.4)."""

from collections.abc import Sequence


def preferred(header: str, known: Sequence[str]) -> str | None:
    """The one of `known` (primary subtags, as zh) a header ranks highest, the first of equals; None
    where it names none of them. Malformed parts are left out."""
    best: tuple[float, str] | None = None
    for part in header[:1_000].split(","):
        tag, *parameters = (piece.strip().lower() for piece in part.split(";"))
        language = tag.split("-")[0]
        weight = _weight(parameters)
        if language in known and weight > 0 and (best is None or weight > best[0]):
            best = (weight, language)
    return best[1] if best else None


def _weight(parameters: Sequence[str]) -> float:
    for one in parameters:
        if one.startswith("q="):
            try:
                return min(float(one[2:]), 1.0) if one[2:].replace(".", "", 1).isdigit() else 0.0
            except ValueError:
                return 0.0
    return 1.0
