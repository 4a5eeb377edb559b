"""What is wrong in the wording: length on sample values, forbidden phrases, marketing duties."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from outreach.core.campaign import PARTS, Campaign, OnHalt
from outreach.core.halt_lines import sample_events
from outreach.core.market_values import EMAIL_ONLY
from outreach.core.problem import Problem
from outreach.core.render import RenderError, TemplateSet, undeclared
from outreach.core.sms_frame import sms_frame
from outreach.core.sms_text import measure
from outreach.core.survey_values import sample_survey
from outreach.core.values import SAMPLE_DAY, campaign_values, firm_values, sample_values
from outreach.core.words import Channel, Purpose
from outreach.project.check_approved import template_gateways, unmade
from outreach.project.load import Project
from outreach.project.phrases import shipped_lint
from outreach.project.template_folder import TemplateFolder, part_file

_HIDDEN = re.compile(r"\{#.*?#\}|\{%.*?%\}|<!--.*?-->|<style\b.*?</style>|<[^<>]*>", re.DOTALL)
_PRINTED = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_TYPED_DAY = re.compile(
    r"\d{1,2}\s*月\s*\d{1,2}\s*日|星期[一二三四五六日天]|[（(]周[一二三四五六日][）)]"
    r"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
    r"|\b\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November"
    r"|December)\b"
)
_LINK = re.compile(r"https?://", re.IGNORECASE)
_NAMES_USED = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_NOTHING = "\u200b"  # passed over by the lint, so that places in the text stay what they were
_A_VALUE = "\x00"  # no phrase reaches across a value


class Text(NamedTuple):
    """One part as it is written, with where to report it."""

    file: str
    source: str
    part: str
    channel: Channel
    locale: str

    def problem(self, at: int, wrong: str, write: str, severe: bool = True) -> Problem:
        line = self.source.count("\n", 0, at) + 1
        return Problem(self.file, line, "", wrong, write, "error" if severe else "warning")


def check_wording(
    folder: TemplateFolder, channel: Channel, locale: str, users: Mapping[str, Campaign]
) -> Iterator[Problem]:
    """Every fault that can be seen in the texts as they are written, whether or not they render."""
    for text in _written(folder, channel, locale):
        yield from _wording(text, users)


def _written(folder: TemplateFolder, channel: Channel, locale: str) -> list[Text]:
    return [
        Text(folder.shown(file), folder.files[file], part, channel, locale)
        for part in PARTS[channel]
        if (file := part_file(channel, locale, part)) in folder.files
    ]


def check_texts(
    project: Project,
    folder: TemplateFolder,
    compiled: TemplateSet,
    channel: Channel,
    locale: str,
    users: Mapping[str, Campaign],
) -> Iterator[Problem]:
    """What the texts of one channel in one locale come to, for the campaigns that use it."""
    texts = _written(folder, channel, locale)
    for name, campaign in users.items():
        yield from _on_sample(project, folder, compiled, texts, name, campaign)
        if campaign.purpose is Purpose.MARKETING:
            yield from _marketing(compiled, texts, name)


_SHOWN: Final = {Channel.SMS: "an SMS", Channel.PUSH: "a notification"}


def _wording(text: Text, users: Mapping[str, Campaign]) -> Iterator[Problem]:
    shown = visible(text.source)
    purposes = {campaign.purpose for campaign in users.values()} or set(Purpose)
    seen = set()
    for purpose in sorted(purposes):
        for hit in shipped_lint().hits(shown, purpose):
            if (hit.at, hit.group.name) not in seen:
                seen.add((hit.at, hit.group.name))
                wrong = f"“{hit.found}” {hit.group.why}"
                yield text.problem(hit.at, wrong, hit.group.write, hit.group.severity == "error")
    closure = any(campaign.occurrence.kind == "closure" for campaign in users.values())
    for match in _TYPED_DAY.finditer(shown) if closure else ():
        wrong = f"“{match[0]}” is typed by hand in a closure notice"
        yield text.problem(match.start(), wrong, "write a value such as {{ close_from }}")
    if text.channel is not Channel.EMAIL:
        yield from _personal(text)
    if text.channel is Channel.SMS and (link := _LINK.search(shown)):
        wrong = "holds a link, which many networks block in an SMS"
        yield text.problem(link.start(), wrong, "name the website or the hotline", severe=False)


def _personal(text: Text) -> Iterator[Problem]:
    """An SMS, and a notification on its screen, are read by whoever holds the telephone."""
    for found in _NAMES_USED.finditer(text.source):
        for name in sorted(EMAIL_ONLY & set(_NAME.findall(found[0]))):
            wrong = f"`{name}` is personal and must not stand in {_SHOWN[text.channel]}"
            yield text.problem(found.start(), wrong, "remove it, and ask the client to log in")


def visible(source: str) -> str:
    """What a client sees, each character in its place: tags hidden, values as a barrier."""
    hidden = _HIDDEN.sub(lambda match: _blank(match[0], _NOTHING), source)
    return _PRINTED.sub(lambda match: _blank(match[0], _A_VALUE), hidden)


def _blank(text: str, filler: str) -> str:
    return re.sub(r"[^\n]", filler, text)


def _on_sample(
    project: Project,
    folder: TemplateFolder,
    compiled: TemplateSet,
    texts: list[Text],
    name: str,
    campaign: Campaign,
) -> Iterator[Problem]:
    """The texts for made-up clients: they must render, and an SMS must fit its parts."""
    channel, locale = texts[0].channel, texts[0].locale
    constants = sample_constants(project, campaign, locale)
    names = compiled.names(channel, locale)
    samples = [constants | more for more in _samples(campaign, locale)]
    rows = [tuple(sample[value] for value in names) for sample in samples]
    gateways = template_gateways(project.config, project.root)
    found: dict[str, Problem] = {}  # the first of each, however many samples show it
    for rendered in compiled.render(channel, locale, constants, rows):
        if isinstance(rendered, RenderError):
            wrong = f"{rendered.what} (on sample values of {name})"
            file, line = folder.shown(rendered.file), max(rendered.line, 1)
            found.setdefault("render", Problem(file, line, "", wrong, "mend the text"))
        elif channel is Channel.SMS:
            for problem in _length(folder, texts[0], rendered[0], name):
                found.setdefault("length", problem)
            for wrong, write in unmade(rendered[0], gateways):
                said = f"{wrong} (on sample values of {name})"
                found.setdefault(wrong, texts[0].problem(0, said, write, severe=False))
        elif not rendered[0].strip():
            wrong = f"the {texts[0].part} comes out empty"
            found.setdefault("empty", texts[0].problem(0, wrong, "write one"))
    yield from found.values()


def _samples(campaign: Campaign, locale: str) -> list[dict[str, object]]:
    """What made-up clients differ in: of a halt campaign, in what there is to tell them."""
    rule = campaign.occurrence
    if not isinstance(rule, OnHalt):
        return [{}]
    samples: list[dict[str, object]] = [{}]
    for told in sample_events(rule.events, locale):
        samples.append({"securities": told, "securities_count": "1"})
    return samples


def _length(folder: TemplateFolder, text: Text, sms: str, name: str) -> Iterator[Problem]:
    size = measure(sms)
    allowed = folder.model.max_sms_parts
    if size.parts > allowed:
        wrong = f"needs {size.parts} SMS parts ({size.units} units, {size.encoding}) in {name}"
        write = f"shorten it or raise max_sms_parts, now {allowed}, in template.toml"
        yield text.problem(0, wrong, write)


def _marketing(compiled: TemplateSet, texts: list[Text], name: str) -> Iterator[Problem]:
    """What advertising by message owes its reader (domain.md CN5, CN6, US7)."""
    parts = compiled.compiled[texts[0].channel, texts[0].locale].parts
    for text, part in zip(texts, parts, strict=True):
        used = undeclared(part.source.text)
        if text.part in ("subject", "title"):
            start = visible(text.source).lstrip(_NOTHING + " \n【[（(")
            if not start.startswith(("广告", "AD")):
                write = "begin with 广告" if text.locale.startswith("zh") else "begin with AD"
                yield text.problem(
                    0, f"{name} is marketing, and its {text.part} must say so", write
                )
            continue
        if "risk_line" not in used and text.channel is Channel.EMAIL:
            wrong = f"{name} is marketing and has no risk line"
            yield text.problem(0, wrong, "write {{ risk_line }}")
        if "unsubscribe_url" not in used and text.channel is Channel.EMAIL:
            wrong = f"{name} is marketing and offers no way out"
            yield text.problem(0, wrong, "write {{ unsubscribe_url }}")


def sample_constants(project: Project, campaign: Campaign, locale: str) -> dict[str, object]:
    """Everything a text of a campaign may use, for a made-up client of the configured firm."""
    firm = project.config.firm
    signature, opt_out = firm.signature.in_(locale), firm.sms_opt_out.in_(locale)
    before, after = sms_frame(signature, opt_out, campaign.purpose, locale)
    return {
        **sample_values(locale),
        **firm_values(firm, locale, SAMPLE_DAY),
        **(sample_survey(locale, SAMPLE_DAY, campaign.survey) if campaign.survey else {}),
        **campaign_values(campaign.values, locale, SAMPLE_DAY.year),
        "sms_prefix": before,
        "sms_suffix": after,
    }
