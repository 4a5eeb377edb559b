"""The values a text may print: named, worded, and formatted in the client's language.

Everything here is a text, or a list of texts or records, before a template sees it. A value that
is not known is None: a template may ask for it, but printing it stops that one message.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final, Protocol

from outreach.core.campaign import Bilingual, BilingualList
from outreach.core.formats import chinese, format_date, format_time
from outreach.core.halt_lines import sample_securities
from outreach.core.incident_values import sample_incident
from outreach.core.market import CalendarDay, Coverage
from outreach.core.market_values import MARGIN_PER_CLIENT, sample_market
from outreach.core.sample_words import SAMPLE_CLIENT, sample_firm
from outreach.core.survey_values import SAMPLE_WEEK, SURVEY_PER_CLIENT, sample_survey
from outreach.core.topics import topic_words
from outreach.core.trading_calendar import TradingCalendar
from outreach.core.words import Sentence

# --- values of a client ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClientValue:
    """One value a text may print about the client it is written to, made from one client field."""

    name: str
    words: Sentence
    field: str
    format: Callable[[object, str, int], str]  # (value of the field, locale, year of the run)


def _as_text(value: object, locale: str, year: int) -> str:
    return str(value).strip()


def _as_date(value: object, locale: str, year: int) -> str:
    return format_date(_day(value), locale, year)


def _day(value: object) -> date:
    if isinstance(value, datetime):
        raise TypeError("a date is needed here, not a moment")
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _as_tail(value: object, locale: str, year: int) -> str:
    """The last four characters: all of an account number that may leave the house."""
    return str(value)[-4:]


def _as_level(value: object, locale: str, year: int) -> str:
    return f"C{value}"


def _as_topics(value: object, locale: str, year: int) -> str:
    return topic_words(value, locale) or ""


def _value(
    name: str, field: str, format_: Callable[[object, str, int], str], en: str, zh: str
) -> tuple[str, ClientValue]:
    return name, ClientValue(name, Sentence(en, zh), field, format_)


CLIENT_VALUES: Final[dict[str, ClientValue]] = dict(
    (
        _value("client_name", "name", _as_text, "the client's full name", "客户姓名"),
        _value("account_tail", "account_no", _as_tail, "last 4 of the account", "资金账号后四位"),
        _value("opened_on", "opened_on", _as_date, "account opening date", "开户日期"),
        _value("last_trade_on", "last_trade_on", _as_date, "last trade date", "最近交易日期"),
        _value(
            "assessment_expires_on",
            "assessment_expires_on",
            _as_date,
            "expiry of the risk assessment",
            "风险测评到期日",
        ),
        _value(
            "document_expires_on",
            "document_expires_on",
            _as_date,
            "expiry of the identity document",
            "证件有效期",
        ),
        _value("risk_level", "risk_level", _as_level, "risk level, C1 to C5", "风险承受能力等级"),
        _value("branch", "branch", _as_text, "branch", "营业部"),
        _value("adviser", "adviser", _as_text, "adviser", "客户经理"),
        _value("salutation", "salutation", _as_text, "how to address the client", "称谓"),
        _value("topics", "topics", _as_topics, "topics the client asked for", "关注主题"),
    )
)

# Values made for each client by the run rather than read from one field.
RUN_VALUES: Final[dict[str, Sentence]] = {
    "securities": Sentence("halted securities the client holds", "客户持有的停牌证券"),
    "securities_count": Sentence("how many of them", "停牌证券只数"),
    "unsubscribe_url": Sentence("unsubscribe link, empty where there is none", "退订链接"),
    **SURVEY_PER_CLIENT,
    **MARGIN_PER_CLIENT,
}
PER_CLIENT: Final = frozenset(CLIENT_VALUES) | frozenset(RUN_VALUES)

Reader = Callable[[Sequence[object]], tuple[object, ...]]


def client_row(
    names: Sequence[str],
    columns: Sequence[str],
    locale: str,
    year: int,
    topics: Sequence[Bilingual] = (),
) -> Reader:
    """A function from one client, as a tuple of `columns`, to the row a template takes. `topics`
    are those the firm knows; without any, a client's are printed as they are on record.

    `columns` holds client fields, and values of the run (`securities` ...) under their own names.
    Raises `KeyError` for a name that no column can give.
    """
    steps = tuple(_step(name, columns, locale, year, topics) for name in names)

    def row(client: Sequence[object]) -> tuple[object, ...]:
        return tuple([step(client[at]) for at, step in steps])

    return row


def _step(
    name: str, columns: Sequence[str], locale: str, year: int, topics: Sequence[Bilingual]
) -> tuple[int, Callable[[object], object]]:
    value = CLIENT_VALUES.get(name)
    field = value.field if value is not None else name
    if field not in columns:
        raise KeyError(f"the value `{name}` needs the column `{field}`")
    at = list(columns).index(field)
    if value is None:
        return at, _given
    make = value.format
    if make is _as_date:
        # Dates repeat from client to client, and the cache is faster than the checks.
        dated = partial(_cached_date, locale=locale, year=year)
        return at, dated
    if make is _as_topics:
        return at, partial(topic_words, locale=locale, known=topics)

    def formatted(found: object) -> object:
        return None if found is None or found == "" else make(found, locale, year)

    return at, formatted


def _given(value: object) -> object:
    return value


def _cached_date(value: object, locale: str, year: int) -> object:
    if type(value) is date:
        return format_date(value, locale, year)
    return None if value is None or value == "" else _as_date(value, locale, year)


# --- values of the firm and the run ----------------------------------------------------------


class FirmWords(Protocol):
    """The part of the firm's configuration that texts speak of (`project.config.Firm`)."""

    @property
    def name(self) -> Bilingual: ...
    @property
    def legal_name(self) -> Bilingual: ...
    @property
    def hotline(self) -> str: ...
    @property
    def hotline_hours(self) -> Bilingual: ...
    @property
    def website(self) -> str: ...
    @property
    def address(self) -> Bilingual: ...
    @property
    def risk_line(self) -> Bilingual: ...


def firm_values(firm: FirmWords, locale: str, today: date) -> dict[str, object]:
    """The constants every text may use. `today` is the run's day where the firm is."""
    return {
        "firm_name": firm.name.in_(locale),
        "firm_legal_name": firm.legal_name.in_(locale),
        "hotline": firm.hotline,
        "hotline_hours": firm.hotline_hours.in_(locale),
        "website": firm.website,
        "firm_address": firm.address.in_(locale),
        "risk_line": firm.risk_line.in_(locale),
        "today": format_date(today, locale, 0),
    }


_CORRECTION: Final = Sentence("Correction", "更正")


def closure_values(
    *,
    holiday: Sentence | Bilingual,
    market: Sentence | Bilingual,
    first: date,
    last: date,
    last_session: date | None,
    reopen: date,
    weekend_closed: Sequence[date],
    locale: str,
    year: int,
    correction: bool = False,
) -> dict[str, object]:
    """What a closure notice says; every weekday comes from its date, so it cannot be wrong.
    `correction` is a word where an earlier notice gave other dates, and empty otherwise."""
    write = partial(format_date, locale=locale, year=year)
    return {
        "holiday": holiday.in_(locale),
        "market_name": market.in_(locale),
        "close_from": write(first),
        "close_to": write(last),
        "close_days": str((last - first).days + 1),
        "last_session": None if last_session is None else write(last_session),
        "reopen": write(reopen),
        "weekend_closed": [write(day) for day in weekend_closed],
        "correction": _CORRECTION.in_(locale) if correction else "",
    }


def campaign_values(values: Mapping[str, object], locale: str, year: int) -> dict[str, object]:
    """The [values] of a campaign file in one language: words chosen, dates and numbers written."""
    return {name: _written(value, locale, year) for name, value in values.items()}


def _written(value: object, locale: str, year: int) -> object:
    if isinstance(value, Bilingual | BilingualList):
        return value.in_(locale)
    if isinstance(value, datetime):
        return format_time(value, locale, year)
    if isinstance(value, date):
        return format_date(value, locale, year)
    if isinstance(value, list | tuple):
        return [_written(item, locale, year) for item in value]
    return str(value)


# --- a synthetic client for previews and the lint --------------------------------------------


SAMPLE_DAY: Final = date(2026, 9, 28)
_SAMPLE_CLOSED: Final = (date(2026, 10, 1), date(2026, 10, 7))
_SAMPLE_SESSIONS: Final = (date(2026, 9, 30), date(2026, 10, 8))
_SAMPLE_WEEKENDS: Final = (date(2026, 9, 20), date(2026, 10, 10))
# The closure that the sample tells of, as a calendar.
SAMPLE_CALENDAR: Final = TradingCalendar.of(
    "CN_A",
    [Coverage("CN_A", date(2026, 1, 1), date(2026, 12, 31), "official", "sample")],
    [
        CalendarDay("CN_A", date(2026, 10, day), "closed", "国庆节", "National Day", "sample")
        for day in range(_SAMPLE_CLOSED[0].day, _SAMPLE_CLOSED[1].day + 1)
    ],
)


def sample_dates() -> tuple[date, ...]:
    """Every date that `sample_values` writes."""
    of_client = [day for pair in SAMPLE_CLIENT.values() for day in pair if isinstance(day, date)]
    halts = (SAMPLE_DAY, date(2026, 9, 29), SAMPLE_DAY + SAMPLE_WEEK)
    return (*halts, *_SAMPLE_CLOSED, *_SAMPLE_SESSIONS, *_SAMPLE_WEEKENDS, *of_client)


def sample_values(locale: str) -> dict[str, object]:
    """Everything a text may use, for a client and a closure that are made up.

    Names of a campaign's own [values] are not among them: lay `campaign_values` over the result.
    """
    zh = chinese(locale)
    columns = tuple(SAMPLE_CLIENT)
    names = tuple(CLIENT_VALUES)
    client = tuple(pair[0 if zh else 1] for pair in SAMPLE_CLIENT.values())
    securities = sample_securities(locale)
    row = client_row(names, columns, locale, SAMPLE_DAY.year)
    return {
        **sample_firm(zh),
        "today": format_date(SAMPLE_DAY, locale, 0),
        **closure_values(
            holiday=Sentence("National Day", "国庆节"),
            market=Sentence("the A-share market", "A股市场"),
            first=_SAMPLE_CLOSED[0],
            last=_SAMPLE_CLOSED[1],
            last_session=_SAMPLE_SESSIONS[0],
            reopen=_SAMPLE_SESSIONS[1],
            weekend_closed=_SAMPLE_WEEKENDS,
            locale=locale,
            year=SAMPLE_DAY.year,
        ),
        **dict(zip(names, row(client), strict=True)),
        "securities": securities,
        "securities_count": str(len(securities)),
        "unsubscribe_url": "https://www.example.com/u/sample",
        **sample_incident(locale, SAMPLE_DAY),
        **sample_market(locale, SAMPLE_DAY),
        **sample_survey(locale, SAMPLE_DAY),
    }
