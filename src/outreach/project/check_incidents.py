"""What is wrong in the texts of an incident: their slots, and every kind of step at its longest."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, get_args
from zoneinfo import ZoneInfo

from outreach.core.campaign import Campaign, OnIncident, SlotName
from outreach.core.incident import Facts, Kind, Said, Step
from outreach.core.incident_values import incident_values
from outreach.core.incident_words import longest_functions
from outreach.core.problem import Problem
from outreach.core.render import RenderError, TemplateSet, undeclared
from outreach.core.sms_text import measure
from outreach.core.values import SAMPLE_DAY
from outreach.core.words import Channel
from outreach.project.check_texts import sample_constants
from outreach.project.load import Project
from outreach.project.template_folder import TemplateFolder, part_file

_SLOTS: Final[tuple[SlotName, ...]] = get_args(SlotName)
# What a notice of an open incident owes its reader.
_NEEDED: Final[dict[SlotName, str]] = {
    "status": 'status = { type = "text", longest = 60, required = true }',
    "next_update_by": 'next_update_by = { type = "time", required = true }',
}
_NOTICES: Final = (Kind.OPEN, Kind.UPDATE, Kind.CORRECT, Kind.RESOLVE, Kind.WITHDRAW)


def check_slots(folder: TemplateFolder, users: Mapping[str, Campaign]) -> Iterator[Problem]:
    """What is wrong in the [slots] of a template by itself."""
    slots, file = folder.model.slots, folder.toml
    rules = [one.occurrence for one in users.values() if isinstance(one.occurrence, OnIncident)]
    if slots and users and not rules:
        wrong = "are of no use: no campaign that uses it tells of incidents"
        yield file.problem(("slots",), wrong, "remove them")
    for name, slot in slots.items():
        kind = "text" if name in ("status", "workaround") else "time"
        if slot.type != kind:
            path = ("slots", name, "type")
            yield file.problem(path, f"{name} is a {kind}", f'write type = "{kind}"')
    if any(rule.tells == "notices" for rule in rules):
        for needed, write in _NEEDED.items():
            if needed not in slots:
                wrong = "is missing, and clients would not learn it"
                yield file.problem(("slots", needed), wrong, f"write {write}")


def check_steps(
    project: Project,
    folder: TemplateFolder,
    compiled: TemplateSet,
    channel: Channel,
    locale: str,
    users: Mapping[str, Campaign],
) -> Iterator[Problem]:
    """What the texts come to for each kind of step, with every slot at its longest."""
    for name, campaign in users.items():
        rule = campaign.occurrence
        if not isinstance(rule, OnIncident):
            continue
        yield from _unprinted(folder, compiled, channel, locale)
        constants = sample_constants(project, campaign, locale)
        kinds = _NOTICES if rule.tells == "notices" else (Kind.AFTERCARE,)
        for kind in kinds:
            step = _longest(folder, name, kind)
            zone = ZoneInfo(project.config.firm.zone)
            values = constants | incident_values("INC-2026-0001", step, locale, zone)
            yield from _step(folder, compiled, (channel, locale), values, f"{name}, {kind}")


def _unprinted(
    folder: TemplateFolder, compiled: TemplateSet, channel: Channel, locale: str
) -> Iterator[Problem]:
    """Slots that the text never prints, and prints of a slot that is not declared: what a clerk
    writes would reach nobody."""
    parts = compiled.compiled[channel, locale].parts
    for part in parts[-1:] if channel is Channel.SMS else parts[1:]:
        used = undeclared(part.source.text)
        for slot in _SLOTS:
            if slot in folder.model.slots and slot not in used:
                write = f"print {{{{ {slot} }}}}, or remove the slot from template.toml"
                wrong = f"never prints the slot {slot}"
                yield Problem(folder.shown(part.source.file), 1, "", wrong, write)
            if slot in used and slot not in folder.model.slots:
                wrong = f"prints {slot}, which is no slot of template.toml"
                write = f"declare {slot} under [slots]"
                yield Problem(folder.shown(part.source.file), 1, "", wrong, write)


def _longest(folder: TemplateFolder, campaign: str, kind: Kind) -> Step:
    at = datetime(SAMPLE_DAY.year, 11, 30, 9, 45, tzinfo=ZoneInfo("Asia/Shanghai"))
    open_still = kind in (Kind.OPEN, Kind.UPDATE, Kind.CORRECT)
    slots = folder.model.slots

    def text(name: SlotName) -> Said:
        slot = slots.get(name)
        return Said("慢" * slot.longest, "s" * slot.longest) if slot else Said()

    facts = Facts(
        functions=longest_functions(),
        started_at=at - timedelta(days=1),
        status=text("status") if kind is not Kind.WITHDRAW else Said(),
        workaround=text("workaround") if open_still else Said(),
        next_update_by=at + timedelta(days=1) if open_still else None,
        resolved_at=at - timedelta(days=1) if kind in (Kind.RESOLVE, Kind.AFTERCARE) else None,
    )
    return Step(10, kind, facts, campaign, at, "")


def _step(
    folder: TemplateFolder,
    compiled: TemplateSet,
    of: tuple[Channel, str],
    values: Mapping[str, object],
    what: str,
) -> Iterator[Problem]:
    channel, locale = of
    row = tuple(values[name] for name in compiled.names(channel, locale))
    (rendered,) = compiled.render(channel, locale, values, [row])
    if isinstance(rendered, RenderError):
        wrong = f"{rendered.what} ({what})"
        file, line = folder.shown(rendered.file), max(rendered.line, 1)
        yield Problem(file, line, "", wrong, "mend the text")
        return
    if channel is Channel.SMS:
        size, allowed = measure(rendered[0]), folder.model.max_sms_parts
        if size.parts > allowed:
            file = folder.shown(part_file(channel, locale, "text"))
            wrong = f"needs {size.parts} SMS parts with every slot at its longest ({what})"
            write = f"shorten text or slots, or raise max_sms_parts, now {allowed}"
            yield Problem(file, 1, "", wrong, write)
