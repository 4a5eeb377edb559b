"""What is wrong in a template folder: files that are missing or misnamed, tags, unknown names."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from outreach.core.campaign import PARTS, Campaign
from outreach.core.problem import Problem
from outreach.core.render import Source, TemplateError, TemplateSet, compile_template, undeclared
from outreach.core.survey_values import SURVEY_NAMES
from outreach.core.words import Channel
from outreach.project.check_dates import Almanac, check_dates
from outreach.project.check_incidents import check_slots, check_steps
from outreach.project.check_texts import check_texts, check_wording
from outreach.project.load import Project
from outreach.project.shape import nearest
from outreach.project.template_folder import TemplateFolder, part_file, part_of
from outreach.project.template_names import kind_with, names_of

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
Written = dict[tuple[Channel, str], list[str]]  # channel and locale: the parts that are there


def check_templates(project: Project, almanac: Almanac) -> Iterator[Problem]:
    """Every fault of the templates that could be read. One that no campaign uses is checked too."""
    for folder in project.templates.values():
        users = {
            name: campaign
            for name, campaign in project.campaigns.items()
            if campaign.template == folder.id
        }
        written = _written(folder)
        yield from _file_names(folder)
        yield from _incomplete(folder, written)
        yield from _fallback(folder, written, users)
        yield from _uneven(folder, written, users)
        yield from check_slots(folder, users)
        for channel, locale in written:
            yield from _texts(project, folder, channel, locale, users, almanac)


def _written(folder: TemplateFolder) -> Written:
    found: Written = {}
    for file in folder.parts():
        if place := part_of(file):
            channel, locale, part = place
            found.setdefault((channel, locale), []).append(part)
    return dict(sorted(found.items()))


def _file_names(folder: TemplateFolder) -> Iterator[Problem]:
    locales = {place[1] for file in folder.files if (place := part_of(file))} | {"zh-CN", "en"}
    known = [
        part_file(channel, locale, part)
        for channel, parts in PARTS.items()
        for locale in sorted(locales)
        for part in parts
    ]
    for file in folder.files:
        if file.endswith(".j2") and "/" not in file and not part_of(file):
            by_case = {name.casefold(): name for name in known}
            near = nearest(file, list(by_case))
            write = (
                f"rename it {by_case[near]}" if near else "name it sms.zh-CN.text.j2 or the like"
            )
            wrong = "the file name stands for no text"
            yield Problem(folder.shown(file), 1, "", wrong, write)


def _incomplete(folder: TemplateFolder, written: Written) -> Iterator[Problem]:
    for (channel, locale), parts in written.items():
        for part in PARTS[channel]:
            file = part_file(channel, locale, part)
            if part not in parts:
                wrong = f"is missing beside {part_file(channel, locale, parts[0])}"
                yield Problem(folder.shown(file), 1, "", wrong, "write this text")
            elif not folder.files[file].strip():
                yield Problem(folder.shown(file), 1, "", "the text is empty", "write it")


def _fallback(
    folder: TemplateFolder, written: Written, users: Mapping[str, Campaign]
) -> Iterator[Problem]:
    """Every channel that is used needs the locale that clients of any other locale get."""
    channels = {channel for campaign in users.values() for channel in campaign.channels}
    fallback = folder.model.fallback
    for channel in sorted(channels or {channel for channel, _ in written}):
        if (channel, fallback) not in written:
            files = ", ".join(part_file(channel, fallback, part) for part in PARTS[channel])
            by = next((name for name, its in users.items() if channel in its.channels), "")
            wrong = f"there is no {channel.value} text in {fallback}"
            wrong += f", which {by} needs" if by else ""
            yield folder.toml.problem(("fallback",), wrong, f"write {files}")
    if not channels and not written:
        wrong = "the folder holds no text"
        yield folder.toml.problem((), wrong, f"write one, such as sms.{fallback}.text.j2")


def _uneven(
    folder: TemplateFolder, written: Written, users: Mapping[str, Campaign]
) -> Iterator[Problem]:
    """A client is written to in one locale on every channel, so each needs all of them."""
    for name, campaign in users.items():
        locales = {locale for _, locale in written} - {folder.model.fallback}
        for locale in sorted(locales):
            for channel in campaign.channels:
                if (channel, locale) not in written:
                    file = folder.shown(part_file(channel, locale, PARTS[channel][0]))
                    wrong = f"is missing: {name} also writes in {locale}, by {channel.value} too"
                    yield Problem(file, 1, "", wrong, "write this text")


def _texts(
    project: Project,
    folder: TemplateFolder,
    channel: Channel,
    locale: str,
    users: Mapping[str, Campaign],
    almanac: Almanac,
) -> Iterator[Problem]:
    relevant = {name: its for name, its in users.items() if channel in its.channels}
    yield from check_wording(folder, channel, locale, relevant)
    compiled = _compiled(folder, channel, locale)
    if isinstance(compiled, list):
        yield from compiled
        return
    unknown: set[str] = set()
    for name, campaign in relevant.items():
        for part in compiled.compiled[channel, locale].parts:
            for undefined in sorted(undeclared(part.source.text) - names_of(campaign)):
                unknown.add(undefined)
                yield _undefined(folder, part.source, undefined, name, campaign)
    if not unknown:
        wanted = (project, folder, compiled, channel, locale, relevant)
        yield from check_texts(*wanted)
        yield from check_dates(*wanted, almanac)
        yield from check_steps(*wanted)


def _compiled(folder: TemplateFolder, channel: Channel, locale: str) -> TemplateSet | list[Problem]:
    """One channel in one locale, compiled; or its problems, in files as they are shown."""
    wanted = {part_file(channel, locale, part) for part in PARTS[channel]}
    if not wanted <= set(folder.files):
        return []  # reported as incomplete
    files = {name: text for name, text in folder.files.items() if Path(name).name in wanted}
    model = folder.model.model_copy(update={"fallback": locale})
    try:
        return compile_template(files, model)
    except TemplateError as error:
        return [
            Problem(folder.shown(p.file), max(p.line, 1), p.key, p.wrong, p.write)
            for p in error.problems
        ]


def _undefined(
    folder: TemplateFolder, source: Source, name: str, user: str, campaign: Campaign
) -> Problem:
    file, line = source.locate(_line_of(source.text, name))
    wrong = f"`{name}` is not defined in {user}"
    near = nearest(name, sorted(names_of(campaign)))
    kind = kind_with(name)
    if kind and kind != campaign.occurrence.kind:
        write = f'remove it; only campaigns with occurrence.kind = "{kind}" have it'
    elif name in SURVEY_NAMES and campaign.survey is None:
        write = "remove it; only campaigns with a [survey] table have it"
    elif near:
        write = f"write {near}"
    else:
        write = f"add {name} to [values] of the campaign, or remove it"
    return Problem(folder.shown(file), max(line, 1), "", wrong, write)


def _line_of(text: str, name: str) -> int:
    """The line of the first tag that speaks of a name, counted from 1; 0 where none is found."""
    word = re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)")
    for tag in _TAG.finditer(text):
        if found := word.search(tag[0]):
            return text.count("\n", 0, tag.start() + found.start()) + 1
    return 0
