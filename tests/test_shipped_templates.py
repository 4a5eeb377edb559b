"""The texts that ship: they render in each language, fit, say true weekdays and promise nothing."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from itertools import product
from pathlib import Path

import pytest

from outreach.core.halt_merge import EVENTS
from outreach.core.render import Parts, RenderError, TemplateSet, compile_template
from outreach.core.render.guard import (
    FILTERS,
    LOOP_FIELDS,
    MAX_ITEMS,
    MAX_LOOPS,
    RECORD_FIELDS,
    TESTS,
)
from outreach.core.render.rows import MAX_VALUE
from outreach.core.render.template_set import LIMITS
from outreach.core.sms_text import measure
from outreach.core.values import campaign_values, closure_values, firm_values, sample_values
from outreach.core.words import Channel, Purpose, Sentence
from outreach.project.load import Project, load_project
from outreach.project.phrases import shipped_lint
from outreach.project.template_names import BUILT_IN

ROOT = Path(__file__).parents[1]
CAMPAIGNS = (
    "closure-notice", "suspension-alert", "risk-notice", "dormant-reminder",
    "new-investor-welcome", "new-investor-trading-rules", "new-investor-risk-types",
    "new-investor-fraud-warning", "new-investor-call-back", "research-digest", "incident-notice",
    "incident-aftercare", "market-move-notice", "margin-notice", "satisfaction-survey",
)  # fmt: skip
LOCALES = ("zh-CN", "en")
YEAR = 2026
MARKET = Sentence("the A-share market", "A股市场")


def _project() -> Project:
    project, problems = load_project(ROOT / "config.toml")
    assert project is not None, problems
    return project


PROJECT = _project()
TEMPLATES = {
    name: compile_template(PROJECT.templates[PROJECT.campaigns[name].template].files)
    for name in CAMPAIGNS
}


def constants(name: str, locale: str) -> dict[str, object]:
    firm, campaign = PROJECT.config.firm, PROJECT.campaigns[name]
    signature = firm.signature.in_(locale)
    return {
        **sample_values(locale),
        **firm_values(firm, locale, date(YEAR, 9, 28)),
        **campaign_values(campaign.values, locale, YEAR),
        "sms_prefix": f"【{signature}】" if locale == "zh-CN" else f"[{signature}] ",
    }


def rendered(template: TemplateSet, channel: Channel, locale: str, values: object) -> Parts:
    assert isinstance(values, dict)
    row = tuple(values[name] for name in template.names(channel, locale))
    (parts,) = template.render(channel, locale, values, [row])
    assert not isinstance(parts, RenderError), str(parts)
    return parts


def texts(name: str, **changed: object) -> Iterator[tuple[Channel, str, Parts]]:
    """What a campaign sends to the made-up client, on each channel and in each language."""
    for channel in PROJECT.campaigns[name].channels:
        for locale in LOCALES:
            values = constants(name, locale) | changed
            yield channel, locale, rendered(TEMPLATES[name], channel, locale, values)


MAILS = [
    pytest.param(name, locale, parts, id=f"{name} {locale}")
    for name in CAMPAIGNS
    for channel, locale, parts in texts(name)
    if channel is Channel.EMAIL
]


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_it_renders_on_each_channel_in_each_language(name: str) -> None:
    sent = list(texts(name))

    assert len(sent) == len(PROJECT.campaigns[name].channels) * len(LOCALES)
    assert all(part.strip() for _, _, parts in sent for part in parts)


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_the_digest_that_is_approved_is_that_of_what_is_rendered(name: str) -> None:
    assert TEMPLATES[name].digest == PROJECT.templates[PROJECT.campaigns[name].template].digest


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_it_renders_for_a_client_of_whom_little_is_known(name: str) -> None:
    unknown = dict.fromkeys(
        ("client_name", "account_tail", "opened_on", "last_trade_on", "assessment_expires_on",
         "risk_level", "branch", "adviser", "last_session")
    )  # fmt: skip

    for _, _, parts in texts(name, **unknown):
        assert not any("None" in part for part in parts)


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_a_text_message_fits(name: str) -> None:
    allowed = TEMPLATES[name].template.max_sms_parts
    for channel, locale, parts in texts(name):
        if channel is Channel.SMS:
            size = measure(parts[0])
            assert size.parts <= min(allowed, 2), (locale, size, parts[0])
            # One Chinese character in an English text would halve what a part holds.
            assert (size.encoding == "GSM-7") == (locale == "en")


@pytest.mark.parametrize(
    ("zh", "en", "days"),
    [
        pytest.param("春节", "Spring Festival",
                     ("2026-02-15", "2026-02-23", "2026-02-24", "2026-02-14", "2026-02-28"),
                     id="Spring Festival 2026"),
        pytest.param("国庆节", "National Day",
                     ("2026-10-01", "2026-10-07", "2026-10-08", "2026-09-20", "2026-10-10"),
                     id="National Day 2026"),
        pytest.param("国庆节、中秋节", "National Day and Mid-Autumn Festival",
                     ("2025-10-01", "2025-10-08", "2025-10-09", "2025-09-28", "2025-10-11"),
                     id="two holidays in one"),
        pytest.param("元旦", "New Year",
                     ("2027-01-01", "2027-01-03", "2027-01-04", "2026-12-27", "2027-01-09"),
                     id="New Year, told in the year before"),
    ],
)  # fmt: skip
def test_a_closure_fits_two_parts(zh: str, en: str, days: tuple[str, ...]) -> None:
    first, last, reopen, *weekend = map(date.fromisoformat, days)
    for locale, correction in product(LOCALES, (False, True)):
        values = constants("closure-notice", locale) | closure_values(
            holiday=Sentence(en, zh), market=MARKET, first=first, last=last, last_session=None,
            reopen=reopen, weekend_closed=weekend, locale=locale, year=min(weekend).year,
            correction=correction,
        )  # fmt: skip
        (text,) = rendered(TEMPLATES["closure-notice"], Channel.SMS, locale, values)
        assert measure(text).parts <= 2, text


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("event", EVENTS)
def test_a_halt_alert_fits_however_many_securities_are_held(
    locale: str, count: int, event: str
) -> None:
    line = {
        "event": event, "last_day": "2027年10月11日(星期一)",
        "name": "*ST示例科技股份", "symbol": "600999", "market": "上交所",
        "halted": "2027年9月28日(星期二)13:00", "resumes": "2027年10月12日(星期二)13:00",
    }  # fmt: skip
    if locale == "en":
        line |= {
            "name": "Example Technology Holdings",
            "halted": "Wednesday 29 September 2027, 13:00",
            "resumes": "Wednesday 13 October 2027",
            "last_day": "Tuesday 12 October 2027",
        }
    values = constants("suspension-alert", locale)
    values |= {"securities": [line] * count, "securities_count": str(count)}

    (text,) = rendered(TEMPLATES["suspension-alert"], Channel.SMS, locale, values)

    assert measure(text).parts <= 2, (measure(text), text)
    assert line["name"] in text


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("event", EVENTS)
def test_an_english_halt_alert_goes_out_when_the_feed_knows_the_chinese_name_only(
    count: int, event: str
) -> None:
    line = {
        "event": event, "name": "*ST示例科技股份", "symbol": "600999", "market": "SSE",
        "halted": "Wednesday 30 September", "resumes": "Wednesday 14 October",
        "last_day": "Wednesday 14 October",
    }  # fmt: skip
    values = constants("suspension-alert", "en")
    values |= {"securities": [line] * count, "securities_count": str(count)}
    template = TEMPLATES["suspension-alert"]

    (text,) = rendered(template, Channel.SMS, "en", values)

    assert measure(text).encoding == "UCS-2"
    assert measure(text).parts <= template.template.max_sms_parts, text


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_no_forbidden_word_is_used(name: str) -> None:
    purpose = PROJECT.campaigns[name].purpose
    for _, _, parts in texts(name):
        for part in parts:
            hits = shipped_lint().hits(re.sub(r"<style.*?</style>|<[^>]*>", "", part), purpose)
            assert [hit.found for hit in hits] == []


ZH_DAY = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})日\(星期([一二三四五六日])\)")


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_every_weekday_is_that_of_its_date(name: str) -> None:
    for _, locale, parts in texts(name):
        found = [match for part in parts for match in ZH_DAY.finditer(part)]
        assert found or locale == "en" or name != "closure-notice"
        for match in found:
            year, month, day, weekday = match.groups()
            on = date(int(year or YEAR), int(month), int(day))
            assert "一二三四五六日"[on.weekday()] == weekday


def test_the_national_day_of_2026_is_told_right() -> None:
    sent = {(channel, locale): parts for channel, locale, parts in texts("closure-notice")}

    zh, en = sent[Channel.SMS, "zh-CN"][0], sent[Channel.SMS, "en"][0]
    assert zh.startswith("【示例证券】")
    assert "10月1日(星期四)至10月7日(星期三)休市，10月8日(星期四)起照常开市" in zh
    assert "9月20日(星期日)、10月10日(星期六)" in zh
    assert "from Thursday 1 October to Wednesday 7 October" in en
    assert "reopens on Thursday 8 October" in en


@pytest.mark.parametrize(("name", "locale", "parts"), MAILS)
def test_an_email_is_built_for_every_mail_program(name: str, locale: str, parts: Parts) -> None:
    html = parts[2]

    assert f'<html lang="{locale}"' in html
    assert "prefers-color-scheme: dark" in html
    assert "max-width: 600px" in html
    assert not re.search(r"<img|<script|<link|url\(", html)
    for table in re.findall(r"<table[^>]*>", re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)):
        assert 'role="presentation"' in table or 'class="facts"' in table
    # Gmail cuts what is longer than 102 kB.
    assert len(html.encode()) < 40_000


# Text and what it stands on: rule of the text, rule of the ground.
PAIRS = (
    (".firm", ".card"), (".day", ".card"), (".body", ".card"), (".body h1", ".card"),
    (".body h2", ".card"), (".facts th", ".card"), (".facts td", ".card"),
    (".body a", ".card"), (".facts .name", ".card"), (".small", ".card"), (".note td", ".note td"),
    (".foot", ".foot"),
    (".foot a", ".foot"), (".foot .strong", ".foot"),
)  # fmt: skip


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("locale", LOCALES)
def test_every_text_stands_out_from_its_ground(locale: str, dark: bool) -> None:
    """WCAG 2.1, 1.4.3: a contrast of 4.5 at least, by day and by night."""
    layout = (ROOT / f"templates/_layout/email.{locale}.html.j2").read_text(encoding="utf-8")
    light, _, night = layout.partition("@media (prefers-color-scheme: dark)")

    for text, ground in PAIRS:
        sheet = night if dark else light
        ink, paper = _colour(sheet, text, "color"), _colour(sheet, ground, "background-color")
        high, low = sorted((_luminance(ink), _luminance(paper)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ink, paper)


def _colour(sheet: str, selector: str, key: str) -> str:
    for selectors, rules in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
        if selector in [name.strip() for name in selectors.split(",")]:
            found = re.search(rf"(?<![\w-]){key}: (#[0-9a-f]{{6}})", rules)
            if found:
                return found.group(1)
    raise AssertionError(f"{selector} has no {key}")


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("name", "locale", "parts"), MAILS)
def test_an_email_says_who_writes_and_how_to_reach_them(
    name: str, locale: str, parts: Parts
) -> None:
    firm = PROJECT.config.firm

    for part in parts[1:]:
        for words in (firm.legal_name, firm.address, firm.risk_line, firm.hotline_hours):
            assert words.in_(locale) in part
        assert firm.hotline in part
        assert firm.website in part


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_the_way_out_is_offered_where_there_is_one(name: str) -> None:
    link = "https://www.example.com/u/1?a=1&b=2"
    for offered in (link, ""):
        for channel, _, parts in texts(name, unsubscribe_url=offered):
            if channel is Channel.EMAIL:
                assert (f'href="{link.replace("&", "&amp;")}"' in parts[2]) == bool(offered)
                assert (link in parts[1]) == bool(offered)


def test_an_advertisement_says_so_first() -> None:
    subjects = {locale: parts[0] for _, locale, parts in texts("research-digest")}

    assert PROJECT.campaigns["research-digest"].purpose is Purpose.MARKETING
    assert subjects["zh-CN"].startswith("广告")
    assert subjects["en"].startswith("AD")


def test_the_risk_that_is_told_is_that_of_the_campaign() -> None:
    for _, _, parts in texts("research-digest"):
        assert str(PROJECT.campaigns["research-digest"].product_risk) in parts[1]


@pytest.mark.parametrize(
    "name",
    [
        "suspension-alert", "risk-notice", "market-move-notice", "margin-notice", "research-digest",
    ],
)  # fmt: skip
def test_what_speaks_of_securities_says_that_it_is_no_advice(name: str) -> None:
    for channel, locale, parts in texts(name):
        if channel is Channel.EMAIL:
            words = "不构成投资建议" if locale == "zh-CN" else "investment advice"
            assert words in parts[1]
            assert words in parts[2]


@pytest.mark.parametrize(("name", "locale", "parts"), MAILS)
def test_plain_text_and_html_say_the_same(name: str, locale: str, parts: Parts) -> None:
    """Every figure of the one stands in the other."""
    hidden = r'<head\b.*?</head>|<div class="preheader".*?</div>|<!--.*?-->|<[^>]*>'
    body = re.sub(hidden, " ", parts[2], flags=re.DOTALL)
    figures = re.compile(r"\d[\d:.%,]*\d|\d")
    numbered = re.compile(r"^\s*\d\. ", re.MULTILINE)

    assert set(figures.findall(numbered.sub("", parts[1]))) - {"1"} == set(
        figures.findall(unescape(body))
    ) - {"1"}


def test_the_page_for_clerks_names_every_value_filter_and_test() -> None:
    page = (ROOT / "docs" / "templates.md").read_text(encoding="utf-8")

    for name in (*BUILT_IN, *RECORD_FIELDS, *FILTERS, *TESTS, *(f"loop.{x}" for x in LOOP_FIELDS)):
        assert f"`{name}`" in page
    for most in (MAX_VALUE, MAX_ITEMS, MAX_LOOPS, *LIMITS.values()):
        assert f"{most:,}" in page or most == LIMITS["email.subject"]
