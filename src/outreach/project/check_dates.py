"""Dates in texts: typed by hand, on a wrong weekday, or at odds with the trading calendar."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import NamedTuple

from outreach.core.campaign import PARTS, Campaign, OnClosure
from outreach.core.date_lint import (
    DateFault,
    mentions,
    session_faults,
    visible_text,
    weekday_faults,
)
from outreach.core.formats import format_date
from outreach.core.problem import Problem
from outreach.core.render import RenderError, TemplateSet
from outreach.core.trading_calendar import TradingCalendar
from outreach.core.values import SAMPLE_CALENDAR, SAMPLE_DAY, sample_dates
from outreach.core.words import Channel
from outreach.project.check_texts import Text, sample_constants, visible
from outreach.project.load import Project
from outreach.project.template_folder import TemplateFolder, part_file
from outreach.project.toml_file import TomlFile
from outreach.project.toml_lines import KeyPath


class Almanac(NamedTuple):
    """What dates are held against: the day it is, and the calendars that are known, by market.

    Without a day, dates that name no year are passed over; without a calendar, sessions are.
    """

    today: date | None = None
    calendars: Mapping[str, TradingCalendar] = {}

    def of(self, project: Project, campaign: Campaign) -> TradingCalendar | None:
        """The calendar a campaign's texts speak of: that of its closure, else the firm's."""
        rule = campaign.occurrence
        market = rule.market if isinstance(rule, OnClosure) else project.config.firm.market
        return self.calendars.get(market)


def check_dates(
    project: Project,
    folder: TemplateFolder,
    compiled: TemplateSet,
    channel: Channel,
    locale: str,
    users: Mapping[str, Campaign],
    almanac: Almanac,
) -> Iterator[Problem]:
    """Every wrong date in the texts of one channel in one locale, as the sample client gets it."""
    texts = [
        Text(folder.shown(file), folder.files[file], part, channel, locale)
        for part in PARTS[channel]
        if (file := part_file(channel, locale, part))
    ]
    closure = any(isinstance(campaign.occurrence, OnClosure) for campaign in users.values())
    for text in texts if not closure else ():  # of closure notices it is reported as an error
        for mention in mentions(visible(text.source)):
            wrong, write = f"“{mention.found}” is typed by hand", "give the date as a value"
            yield text.problem(mention.start, wrong, write, severe=False)
    for name, campaign in users.items():
        constants = sample_constants(project, campaign, locale)
        row = tuple(constants[value] for value in compiled.names(channel, locale))
        (rendered,) = compiled.render(channel, locale, constants, [row])
        if isinstance(rendered, RenderError):
            continue  # reported with the wording
        calendar = almanac.of(project, campaign)
        sample, own = _written(sample_dates(), locale), _written(_days(campaign), locale)
        for text, shown in zip(texts, rendered, strict=True):
            seen = visible_text(shown) if text.part == "html" else shown
            faults = list(weekday_faults(seen, almanac.today, sample | own))
            faults += _of_sample(seen, sample)
            if calendar is not None:
                live = session_faults(seen, calendar, almanac.today, own | sample)
                faults += [one for one in live if not _any_of(sample, one.found)]
            for fault in faults:
                if not _in_values(campaign, fault):
                    yield _at(text, fault, name)


def _of_sample(text: str, sample: Mapping[str, date]) -> list[DateFault]:
    """Faults in what the sample closure gives, held against that closure and not against the
    calendar as it stands: the text takes the wrong value."""
    faults = session_faults(text, SAMPLE_CALENDAR, SAMPLE_DAY, sample)
    return [one for one in faults if _any_of(sample, one.found)]


def _any_of(written: Mapping[str, date], found: str) -> bool:
    return any(mention.found in written for mention in mentions(found))


def _days(campaign: Campaign) -> list[date]:
    """The dates a campaign gives as values."""
    values = [value for value in campaign.values.values() if isinstance(value, date)]
    return [value.date() if isinstance(value, datetime) else value for value in values]


def _written(days: Iterable[date], locale: str) -> dict[str, date]:
    """These days as the program writes them into a sample."""
    years = (SAMPLE_DAY.year, 0)
    return {format_date(day, locale, year): day for day in days for year in years}


def _in_values(campaign: Campaign, fault: DateFault) -> bool:
    """Whether the date comes from the campaign's own [values], where it is reported."""
    return any(fault.found in text for _, text in _texts(campaign))


def _at(text: Text, fault: DateFault, name: str) -> Problem:
    at = max(text.source.find(fault.found), 0)
    return text.problem(at, f"“{fault.found}” {fault.wrong} (in {name})", fault.write)


# --- the values of a campaign ------------------------------------------------------------------


def check_value_dates(project: Project, almanac: Almanac) -> Iterator[Problem]:
    """Wrong dates that a clerk typed into [values]; those with a year are reported without us."""
    for name, campaign in project.campaigns.items():
        file, calendar = project.campaign_files[name], almanac.of(project, campaign)
        for path, text in _texts(campaign):
            known = set(weekday_faults(text, None))
            for fault in weekday_faults(text, almanac.today):
                if fault not in known:
                    yield _in_file(file, path, fault)
            if calendar is not None:
                for fault in session_faults(text, calendar, almanac.today):
                    yield _in_file(file, path, fault)


def _in_file(file: TomlFile, path: KeyPath, fault: DateFault) -> Problem:
    return file.problem(path, f"“{fault.found}” {fault.wrong}", fault.write)


def _texts(campaign: Campaign) -> Iterator[tuple[KeyPath, str]]:
    dumped = campaign.model_dump(mode="python")["values"]
    for name, value in dumped.items():
        yield from _below(("values", name), value)


def _below(path: KeyPath, value: object) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _below((*path, key), one)
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from _below((*path, at), one)
