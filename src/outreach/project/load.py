"""The project folder as one frozen value: config, segments, campaigns, templates, digests."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outreach.core.campaign import Campaign
from outreach.core.problem import Problem
from outreach.core.segment import Segment
from outreach.project.config import Config
from outreach.project.read_model import read_model
from outreach.project.segments import SegmentFile, read_segments
from outreach.project.template_folder import TemplateFolder, read_template
from outreach.project.toml_file import TomlFile, read_toml

SEGMENTS = "segments.toml"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_RENAME = "rename it: small letters, digits and dashes, beginning with a letter"


@dataclass(frozen=True, slots=True)
class Project:
    """Everything a clerk wrote, as it stood when it was read. Digests are SHA-256 in hex.

    What could not be read is missing here and stands in the problems beside it.
    """

    root: Path
    config: Config
    segments: SegmentFile
    campaigns: dict[str, Campaign]
    templates: dict[str, TemplateFolder]
    config_file: TomlFile = field(repr=False)
    campaign_files: dict[str, TomlFile] = field(repr=False)
    template_names: frozenset[str]  # every folder, readable or not
    campaigns_folder: str
    templates_folder: str
    # Definitions made from it so far (project.definition); never handed on to another state of it.
    defined: dict[str, Any] = field(init=False, default_factory=dict, compare=False, repr=False)

    def campaign_digest(self, campaign: str) -> str:
        """Of the exact bytes of the campaign's file."""
        return hashlib.sha256(self.campaign_files[campaign].source).hexdigest()

    def template_digest(self, template: str) -> str:
        """Of all files of the template and the layouts they use."""
        return self.templates[template].digest

    def segment_digest(self, segment: str) -> str:
        """Of what the segment says and the numbers in its list files, however laid out."""
        lists = {
            file: sorted(self.client_numbers(file)) for file in self.segment(segment).list_files
        }
        frozen = [self.segments.tables[segment], lists]
        text = json.dumps(frozen, ensure_ascii=False, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def segment(self, name: str) -> Segment:
        """A segment by name. Raises KeyError for an unknown one."""
        return self.segments.models[name]

    def client_numbers(self, list_file: str) -> frozenset[str]:
        """The client numbers of a list file, named as the segment names it."""
        return self.segments.lists[list_file]


def load_config(path: Path) -> Config | list[Problem]:
    """Read config.toml; on any fault, every problem found in it."""
    file = read_toml(path)
    if isinstance(file, Problem):
        return [file]
    return read_model(Config, file)


def load_project(path: Path) -> tuple[Project | None, list[Problem]]:
    """Read the project of a config.toml: what could be read, and every problem met on the way.

    None where the config itself is broken. Relative paths are read from the folder of the config.
    What fits its model but not the rest of the project is the business of `check_project`.
    """
    file = read_toml(path)
    if isinstance(file, Problem):
        return None, [file]
    config = read_model(Config, file)
    if isinstance(config, list):
        return None, config
    problems: list[Problem] = []
    folder = path.parent / config.paths.campaigns
    templates_folder = path.parent / config.paths.templates
    segments = read_segments(folder / SEGMENTS, path.parent, problems)
    files, campaigns = _campaigns(folder, problems)
    names, templates = _templates(templates_folder, problems)
    project = Project(
        root=path.resolve().parent,
        config=config,
        segments=segments,
        campaigns=campaigns,
        templates=templates,
        config_file=file,
        campaign_files=files,
        template_names=names,
        campaigns_folder=str(folder),
        templates_folder=str(templates_folder),
    )
    return project, sorted(problems)


def _campaigns(
    folder: Path, problems: list[Problem]
) -> tuple[dict[str, TomlFile], dict[str, Campaign]]:
    files: dict[str, TomlFile] = {}
    campaigns: dict[str, Campaign] = {}
    if not folder.is_dir():
        write = "create it or correct paths.campaigns in config.toml"
        problems.append(Problem(str(folder), 1, "", "the campaigns folder does not exist", write))
    for path in sorted(folder.glob("*.toml")):
        if path.name == SEGMENTS:
            continue
        if not _NAME.fullmatch(path.stem):
            wrong = "the file name is the campaign's id and does not fit"
            problems.append(Problem(str(path), 1, "", wrong, _RENAME))
            continue
        file = read_toml(path)
        if isinstance(file, Problem):
            problems.append(file)
            continue
        campaign = read_model(Campaign, file)
        if isinstance(campaign, list):
            problems += campaign
            continue
        files[path.stem], campaigns[path.stem] = file, campaign
    return files, campaigns


def _templates(
    folder: Path, problems: list[Problem]
) -> tuple[frozenset[str], dict[str, TemplateFolder]]:
    names: set[str] = set()
    templates: dict[str, TemplateFolder] = {}
    if not folder.is_dir():
        write = "create it or correct paths.templates in config.toml"
        problems.append(Problem(str(folder), 1, "", "the templates folder does not exist", write))
        return frozenset(), {}
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name.startswith(("_", ".")):
            continue
        names.add(path.name)
        if not _NAME.fullmatch(path.name):
            wrong = "the folder name is the template's id and does not fit"
            problems.append(Problem(str(path), 1, "", wrong, _RENAME))
            continue
        template = read_template(path, str(path))
        if isinstance(template, list):
            problems += template
        else:
            templates[path.name] = template
    return frozenset(names), templates
