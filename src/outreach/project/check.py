"""Every problem of a project at once, in the order of its files."""

from pathlib import Path

from outreach.core.problem import Problem
from outreach.project.check_campaigns import check_campaigns
from outreach.project.check_config import check_config
from outreach.project.check_templates import check_templates
from outreach.project.load import Project, load_project


def check(config_path: Path) -> tuple[Project | None, list[Problem]]:
    """Read and check a project. None where config.toml itself is broken."""
    project, problems = load_project(config_path)
    if project is None:
        return None, problems
    return project, sorted({*problems, *check_project(project)})


def check_project(project: Project) -> list[Problem]:
    """What is wrong although every file could be read; each problem once."""
    found = {
        *check_config(project.config, project.config_file),
        *check_campaigns(project),
        *check_templates(project),
    }
    return sorted(found)
