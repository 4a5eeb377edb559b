"""Saved halt files of every form, and calendars to read them by."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from outreach.core.halt_clock import Calendars
from outreach.core.market import Coverage
from outreach.core.trading_calendar import TradingCalendar
from outreach.feeds import calendar_file
from outreach.feeds.halts import Parsed, Saved, read, recognised

FOLDER: Final = Path(__file__).parent / "saved"
_YEAR: Final = Coverage("US", date(2026, 1, 1), date(2026, 12, 31), "official", "NYSE hours")
CALENDARS: Final[Calendars] = {
    "CN_A": calendar_file.shipped().calendar("CN_A"),
    "US": TradingCalendar.of("US", [_YEAR], []),
}
AS_OF: Final = datetime(2026, 9, 24, 7, 0, tzinfo=UTC)


def saved(name: str) -> Saved:
    return Saved(FOLDER / name, (FOLDER / name).read_bytes())


def written(folder: Path, name: str, text: str, codec: str = "utf-8") -> Saved:
    path = folder / name
    path.write_bytes(text.encode(codec))
    return Saved(path, path.read_bytes())


def parsed(file: Saved, form: str = "", as_of: datetime = AS_OF) -> Parsed:
    return read(file, form or recognised(file.content), CALENDARS, as_of)
