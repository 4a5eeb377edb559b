"""What is wrong in a campaign although it fits its model: references, purpose rules, values."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from outreach.core.campaign import Bilingual, Campaign, OnClosure, OnHalt, OnMarketMove
from outreach.core.date_lint import weekday_faults
from outreach.core.halt_lines import REASONS
from outreach.core.problem import Problem
from outreach.core.words import Purpose
from outreach.project.check_config import known_market
from outreach.project.check_schedule import check_schedule
from outreach.project.check_survey import check_survey, check_topics
from outreach.project.load import Project
from outreach.project.phrases import shipped_lint
from outreach.project.shape import nearest
from outreach.project.template_names import BUILT_IN
from outreach.project.toml_file import TomlFile
from outreach.project.toml_lines import KeyPath

_VALUE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def check_campaigns(project: Project) -> Iterator[Problem]:
    """Every fault of the campaigns that are well formed."""
    for name, campaign in project.campaigns.items():
        file = project.campaign_files[name]
        yield from _references(project, campaign, file)
        yield from _channels(project, campaign, file)
        yield from _purpose(campaign, file)
        yield from _occurrence(campaign, file)
        yield from check_schedule(project.config, campaign, file)
        yield from _values(campaign, file)
        yield from check_survey(project, name, campaign, file)
    yield from check_topics(project)
    yield from _mixed_templates(project)


def _references(project: Project, campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    segments = project.segments
    if segments.toml and campaign.segment not in segments.names:
        where = segments.toml.name
        known = sorted(segments.names)
        yield _absent(file, "segment", campaign.segment, known, f"define it in {where}")
    segment = project.segments.models.get(campaign.segment)
    if segment and segment.asks_for_halts and not isinstance(campaign.occurrence, OnHalt):
        wrong = (
            f'the segment "{campaign.segment}" asks for halts, which this occurrence has none of'
        )
        yield file.problem(("segment",), wrong, 'write occurrence.kind = "halt"')
    if campaign.template not in project.template_names:
        folder = f"make the folder {project.templates_folder}/{campaign.template}"
        yield _absent(file, "template", campaign.template, sorted(project.template_names), folder)
    if not campaign.owner.strip():
        yield file.problem(("owner",), "is empty", "write who is responsible for the text")


def _absent(file: TomlFile, key: str, name: str, known: list[str], make: str) -> Problem:
    near = nearest(name, known)
    return file.problem((key,), f'there is no {key} "{name}"', f"write {near}" if near else make)


def _channels(project: Project, campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    for index, channel in enumerate(campaign.channels):
        path = ("channels", index)
        if channel in campaign.channels[:index]:
            yield file.problem(path, f"{channel.value} is there twice", "write it once")
        elif not any(route.channel is channel for route in project.config.routes):
            wrong = f"no route serves {channel.value}"
            write = f"add [[routes]] for it in {project.config_file.name}"
            yield file.problem(path, wrong, write)


def _purpose(campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    marketing = campaign.purpose is Purpose.MARKETING
    if campaign.urgent and not campaign.urgent_why.strip():
        write = 'write urgent_why = "..." with the reason for writing outside contact hours'
        yield file.problem(("urgent_why",), "is missing although the campaign is urgent", write)
    if campaign.urgent and marketing:
        wrong = "marketing is never urgent"
        yield file.problem(("urgent",), wrong, "remove it, or choose the purpose that applies")
    if campaign.urgent_why and not campaign.urgent:
        wrong = "means nothing while urgent is false"
        yield file.warning(("urgent_why",), wrong, "remove it or write urgent = true")
    if marketing and "product_risk" not in campaign.model_fields_set:
        wrong = "is missing, and marketing is matched against each client's risk level"
        write = 'write product_risk = "R1" to "R5", or "none" where no product is spoken of'
        yield file.problem(("product_risk",), wrong, write)
    if campaign.product_risk and not marketing:
        wrong = f"a {campaign.purpose.value} notice speaks of no product on offer"
        yield file.warning(("product_risk",), wrong, "remove it, or choose purpose marketing")


def _occurrence(campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    rule = campaign.occurrence
    if isinstance(rule, OnClosure):
        yield from known_market(rule.market, file, ("occurrence", "market"))
    if isinstance(rule, OnHalt | OnMarketMove):
        yield from known_market(rule.calendar, file, ("occurrence", "calendar"))
    if isinstance(rule, OnHalt) and not rule.markets:
        write = 'write the exchanges, such as ["XSHG", "XSHE", "BJSE"]'
        yield file.problem(("occurrence", "markets"), "is empty", write)
    for family in rule.leave_out_families if isinstance(rule, OnHalt) else ():
        if family not in REASONS:
            near = get_close_matches(family, REASONS, n=1, cutoff=0.3) or sorted(REASONS)[:1]
            wrong = f"{family!r} is no reason family, so nothing is left out by it"
            path = ("occurrence", "leave_out_families")
            yield file.problem(path, wrong, f'write one of them, such as "{near[0]}"')


def _values(campaign: Campaign, file: TomlFile) -> Iterator[Problem]:
    for name, value in campaign.values.items():
        path = ("values", name)
        if name in BUILT_IN:
            wrong = "is the name of a value that every text already has"
            yield file.problem(path, wrong, "choose another name, here and in the texts")
        elif not _VALUE_NAME.fullmatch(name):
            wrong = "cannot be used as a name in a text"
            yield file.problem(path, wrong, "write letters, digits and _, beginning with a letter")
        for below, text in _texts(value):
            yield from _text(campaign, file, (*path, *below), text)


def _texts(value: object) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, Bilingual):
        yield ("zh",), value.zh
        yield ("en",), value.en
    elif isinstance(value, str):
        yield (), value
    elif isinstance(value, list):
        yield from (((index,), item) for index, item in enumerate(value))


def _text(campaign: Campaign, file: TomlFile, path: KeyPath, text: str) -> Iterator[Problem]:
    for hit in shipped_lint().hits(text, campaign.purpose):
        wrong, write = f"“{hit.found}” {hit.group.why}", hit.group.write
        report = file.problem if hit.group.severity == "error" else file.warning
        yield report(path, wrong, write)
    for fault in weekday_faults(text, None):  # those with a year, whatever day it is
        yield file.problem(path, f"“{fault.found}” {fault.wrong}", fault.write)


def _mixed_templates(project: Project) -> Iterator[Problem]:
    """Marketing and service texts do not share a template: their sender and duties differ (CN2)."""
    for name, campaign in project.campaigns.items():
        if campaign.purpose is not Purpose.MARKETING:
            continue
        others = [
            other
            for other, its in project.campaigns.items()
            if its.template == campaign.template and its.purpose is not Purpose.MARKETING
        ]
        if others:
            wrong = f'"{campaign.template}" is also used by {others[0]}, which is not marketing'
            write = "give marketing a template of its own"
            yield project.campaign_files[name].problem(("template",), wrong, write)
