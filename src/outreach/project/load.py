"""The project folder as one frozen value: config, segments, campaigns, templates, digests."""

from pathlib import Path

from outreach.core.problem import Problem
from outreach.project.config import Config
from outreach.project.read_model import read_model
from outreach.project.toml_file import read_toml


def load_config(path: Path) -> Config | list[Problem]:
    """Read config.toml; on any fault, every problem found in it."""
    file = read_toml(path)
    if isinstance(file, Problem):
        return [file]
    return read_model(Config, file)
