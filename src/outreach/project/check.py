"""Every problem of a project at once, in the order of its files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from outreach.core.problem import Problem
from outreach.project.check_campaigns import check_campaigns
from outreach.project.check_config import check_config
from outreach.project.check_dates import Almanac, check_value_dates
from outreach.project.check_templates import check_templates
from outreach.project.load import SEGMENTS, Project, load_project

NOTHING_KNOWN: Final = Almanac()


def check(
    config_path: Path, almanac: Almanac = NOTHING_KNOWN
) -> tuple[Project | None, list[Problem]]:
    """Read and check a project. None where config.toml itself is broken."""
    project, problems = load_project(config_path)
    if project is None:
        return None, problems
    return project, sorted({*problems, *check_project(project, almanac)})


def check_project(project: Project, almanac: Almanac = NOTHING_KNOWN) -> list[Problem]:
    """What is wrong although every file could be read; each problem once. Dates are held against
    the almanac as far as it goes."""
    found = {
        *check_config(project.config, project.config_file),
        *check_campaigns(project),
        *check_value_dates(project, almanac),
        *check_templates(project, almanac),
    }
    return sorted(found)


def concerning(project: Project, name: str, problems: Iterable[Problem]) -> list[Problem]:
    """Those problems that lie in a campaign, or in the segment and the texts it is made from."""
    campaign = project.campaigns[name]
    own = f"{project.campaigns_folder}/{name}.toml"
    segments = f"{project.campaigns_folder}/{SEGMENTS}"
    texts = tuple(f"{project.templates_folder}/{one}/" for one in (campaign.template, "_layout"))
    return [
        one
        for one in problems
        if one.file == own
        or one.file.startswith(texts)
        or (one.file == segments and one.key.split(".")[0] in ("", campaign.segment))
    ]
