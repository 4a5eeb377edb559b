"""What `outreach doctor` says of incidents: whether one could be told now, and what is overdue."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.project.load import Project


class Seen(NamedTuple):
    """One finding, in the order in which `doctor` takes it."""

    level: Literal["ok", "warning"]
    says: str
    write: str = ""


def incident_findings(conn: "Connection", project: "Project", now: datetime) -> Iterator[Seen]:
    """Texts that nobody approved while all was quiet, and clients who were promised to hear."""
    from outreach.core.campaign import OnIncident
    from outreach.store import incidents

    telling = {
        name: campaign.occurrence
        for name, campaign in project.campaigns.items()
        if campaign.enabled and isinstance(campaign.occurrence, OnIncident)
    }
    if not telling:
        yield Seen("ok", "no campaign tells of incidents")
        return
    if not any(rule.tells == "notices" for rule in telling.values()):
        says = "an incident could not be told: no enabled campaign has occurrence.tells notices"
        yield Seen("warning", says, "enable campaigns/incident-notice.toml")
    unapproved = [name for name in telling if not _approved(conn, project, name)]
    for name in unapproved:
        says = f"{name} is not approved: an incident could not be told"
        yield Seen("warning", says, f"outreach approve {name} --as USER")
    if not unapproved:
        yield Seen("ok", "an incident could be told at once")
    zone = ZoneInfo(project.config.firm.zone)
    for one in incidents.recorded(conn):
        again = one.last.facts.next_update_by
        if again is not None and again <= now:
            when = f"{again.astimezone(zone):%Y-%m-%d %H:%M}"
            says = f"{one.id}: clients were promised to hear again by {when}"
            yield Seen("warning", says, f"outreach incident update {one.id} --next-update HH:MM")


def _approved(conn: "Connection", project: "Project", name: str) -> bool:
    from outreach.project.definition import define
    from outreach.store import runs

    if project.campaigns[name].purpose not in project.config.approval.required_for:
        return True
    digest = define(project, name).approval_digest
    return runs.standing_approval(conn, name, digest) is not None
