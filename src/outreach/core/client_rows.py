"""A chunk of a client file as client records: values by field, and everything wrong with them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from outreach.core import cells, client_words
from outreach.core.addresses import MISSING, Addresses, email_column, phone_column
from outreach.core.cell_problem import CellProblem
from outreach.core.cell_text import clean, unwrapped
from outreach.core.cells import Bad, Direct, Memo, Read
from outreach.core.client import CLIENT_FIELDS
from outreach.core.client_columns import CONSENT_ALIASES
from outreach.core.headers import Matched


@dataclass(frozen=True, slots=True)
class ClientRows:
    """The rows of a chunk that can be taken, column by column, and what was wrong."""

    lines: list[int]
    columns: dict[str, list[Any]]
    consents: dict[str, list[bool | None]]  # consent column -> yes, no, or not said
    problems: list[CellProblem]

    def without(self, places: Collection[int]) -> "ClientRows":
        """The same without some rows."""
        if not places:
            return self
        keep = [place for place in range(len(self.lines)) if place not in places]

        def of(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
            return {name: [column[at] for at in keep] for name, column in columns.items()}

        lines = [self.lines[at] for at in keep]
        return ClientRows(lines, of(self.columns), of(self.consents), self.problems)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a new client is given where the file says nothing."""

    country: str = "CN"
    locale: str = "zh-CN"
    zone: str | None = None


_READERS: Final[dict[str, Read]] = {
    "kind": client_words.KIND,
    "status": client_words.STATUS,
    "locale": client_words.LOCALE,
    "country": client_words.country,
    "zone": client_words.zone,
    "risk_level": client_words.risk,
    "professional": client_words.professional,
}
_BY_TYPE: Final[dict[str, Read]] = {
    "text": cells.text, "date": cells.day, "int": cells.whole, "bool": cells.flag,
    "list": cells.items,
}  # fmt: skip
# A row without these says too little to be a client record.
_NEEDED: Final = {
    "client_no": "write the client number",
    "name": "write the client's name",
    "status": "write the account status, such as 正常",
}
_SLIPPED: Final = 4  # this many wrong cells are one fault
_CODES: Final = ("client_no", "account_no")
_ADDRESSES: Final = ("phone", "email")


@dataclass(slots=True)
class ClientReader:
    """Reads the chunks of one file. Keeps only what it has learned about repeating cells."""

    matched: Matched
    defaults: Defaults
    _readers: dict[str, Memo | Direct] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, column in self.matched.columns.items():
            if name not in _ADDRESSES:
                self._readers[name] = _reader(name, column.unit)

    @property
    def fields(self) -> tuple[str, ...]:
        """The client columns this file fills, in the order of the store."""
        names = [name for name in CLIENT_FIELDS if name in self.matched.columns]
        if "phone" in names:
            names += ["phone_state", "phone_country"]
        if "email" in names:
            names.append("email_state")
        return tuple(names)

    def read(self, lines: Sequence[int], columns: Sequence[Sequence[str]]) -> ClientRows:
        """Values of the rows that can be taken. `columns` are the raw cells, header by header."""
        raw = {
            name: columns[column.index] if name not in _CODES else unwrapped(columns[column.index])
            for name, column in self.matched.columns.items()
        }
        problems: list[CellProblem] = []
        rejected: set[int] = set()
        values: dict[str, list[Any]] = {}

        def refuse(name: str, row: int, bad: Bad, *, takes: bool = False) -> None:
            header = self.matched.columns[name].header
            cell = clean(raw[name][row])
            problems.append(CellProblem(lines[row], header, cell, *bad, not takes))
            if not takes:
                rejected.add(row)

        for name, reader in self._readers.items():
            values[name] = reader.column(raw[name])
            if reader.bad:
                for row, cell in enumerate(raw[name]):
                    if found := reader.bad.get(cell):
                        refuse(name, row, found)
        for name, fix in _NEEDED.items():
            if None in values.get(name, ()):
                for row, value in enumerate(values[name]):
                    if value is None and not clean(raw[name][row]):
                        refuse(name, row, Bad("the cell is empty", fix))
        for name in _ADDRESSES:
            if name in raw:
                found_addresses = self._addresses(name, raw[name], values)
                for row, bad in found_addresses.destroyed.items():
                    refuse(name, row, bad)
                for row, bad in found_addresses.invalid.items():
                    refuse(name, row, bad, takes=True)
        self._complete(values, raw)
        return _taken(lines, values, problems, rejected)

    def _addresses(self, name: str, raw: Sequence[str], values: dict[str, list[Any]]) -> Addresses:
        if name == "phone":
            found = phone_column(raw, self.defaults.country, values.get("country"))
            values["phone_country"] = found.countries
        else:
            found = email_column(raw)
        values[name] = found.values
        values[f"{name}_state"] = found.states
        return found

    def _complete(self, values: dict[str, list[Any]], raw: Mapping[str, Sequence[str]]) -> None:
        """Fill empty cells of columns that are never empty in the store."""
        for name in values:
            default = default_of(name, self.defaults)
            if default is not None and None in values[name]:
                values[name] = [default if value is None else value for value in values[name]]
        if "risk_level" in raw and any(
            client_words.LOWEST in cell for cell in set(raw["risk_level"])
        ):
            lowest = values.get("lowest_tolerance") or [False] * len(raw["risk_level"])
            values["lowest_tolerance"] = [
                known or client_words.LOWEST in cell
                for known, cell in zip(lowest, raw["risk_level"], strict=True)
            ]


def new_client(defaults: Defaults) -> dict[str, Any]:
    """What a client of whom a file says nothing but the number is taken to be."""
    values = {name: default_of(name, defaults) for name in CLIENT_FIELDS}
    unknown = {"phone_state": MISSING, "email_state": MISSING}
    return {name: value for name, value in values.items() if value is not None} | unknown


def default_of(name: str, defaults: Defaults) -> Any:
    """What a client has in a field that neither file nor store may leave empty; else None."""
    if name in CONSENT_ALIASES or name not in CLIENT_FIELDS:
        return None
    fixed = {"kind": "person", "status": "normal", "name": ""}
    configured = {"country": defaults.country, "locale": defaults.locale, "zone": defaults.zone}
    if name in fixed:
        return fixed[name]
    if name in configured:
        return configured[name]
    return {"bool": False, "list": ""}.get(CLIENT_FIELDS[name].type)


def _reader(name: str, unit: int) -> Memo | Direct:
    if name in CONSENT_ALIASES:
        return Memo(cells.flag)
    if name in _CODES:
        return Direct(cells.code, "[0-9A-Za-z]{1,64}", str)
    if name == "name":
        return Direct(cells.text, "[\u4e00-\u9fff]{1,20}|[A-Za-z]{1,20} [A-Za-z]{1,20}", str)
    if name in _READERS:
        return Memo(_READERS[name])
    type_ = CLIENT_FIELDS[name].type
    return cells.money_column(unit) if type_ == "money" else Memo(_BY_TYPE[type_])


def _taken(
    lines: Sequence[int],
    values: dict[str, list[Any]],
    problems: list[CellProblem],
    rejected: set[int],
) -> ClientRows:
    kept = list(lines)
    if rejected:
        keep = [row for row in range(len(lines)) if row not in rejected]
        kept = [lines[row] for row in keep]
        values = {name: [column[row] for row in keep] for name, column in values.items()}
    consents = {name: values.pop(name) for name in CONSENT_ALIASES if name in values}
    refused = {lines[row] for row in rejected}
    return ClientRows(kept, values, consents, _readable(problems, refused))


def _readable(problems: list[CellProblem], refused: set[int]) -> list[CellProblem]:
    """In the order of the file, one line for a row that slipped by a column, and no warning about
    a row that was not taken."""
    by_line: dict[int, list[CellProblem]] = {}
    for problem in problems:
        if problem.rejected or problem.line not in refused:
            by_line.setdefault(problem.line, []).append(problem)
    told: list[CellProblem] = []
    for line in sorted(by_line):
        found = by_line[line]
        if len(found) < _SLIPPED:
            told += found
            continue
        columns = ", ".join(problem.column for problem in found[:_SLIPPED])
        wrong = f"{len(found)} cells do not fit their columns ({columns} ...): the row has slipped"
        fix = "put a cell that holds the separator in double quotes"
        told.append(CellProblem(line, found[0].column, found[0].value, wrong, fix, True))
    return told


def repeated_numbers(
    matched: Matched, rows: ClientRows, places: Mapping[int, int]
) -> list[CellProblem]:
    """Of rows whose client number came before in the file: `places` has the line of the first."""
    return [
        CellProblem(
            rows.lines[place],
            matched.columns["client_no"].header,
            rows.columns["client_no"][place],
            f"the client number came before, on line {first}, and that row was taken",
            "keep one row a client",
        )
        for place, first in places.items()
    ]
