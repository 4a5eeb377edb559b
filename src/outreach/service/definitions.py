"""The campaigns a service follows: read again when a file changes, each as it was last sound."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from outreach.core.problem import Problem
from outreach.project.check import check_project, concerning
from outreach.project.config import Config
from outreach.project.load import SEGMENTS, Project, load_project

Say = Callable[..., None]
Stamps = dict[Path, tuple[int, int]]  # of a file: when it was written, in ns, and its size


@dataclass
class Definitions:
    """What a project's folder says. A broken campaign keeps the definition it last had."""

    config_path: Path
    say: Say
    sound: dict[str, Project] = field(default_factory=dict)  # by campaign: where it was last sound
    _newest: Project | None = None
    _stamps: Stamps = field(default_factory=dict)
    _digest: str = ""
    _said: frozenset[str] = frozenset()

    @property
    def config(self) -> Config:
        """The config as it was last sound. Raises LookupError before there was one."""
        if self._newest is None:
            raise LookupError(f"{self.config_path} was never read without a fault")
        return self._newest.config

    @property
    def source(self) -> bytes:
        """The bytes of config.toml that this config was read from. Raises LookupError like it."""
        if self._newest is None:
            raise LookupError(f"{self.config_path} was never read without a fault")
        return self._newest.config_file.source

    def by_project(self) -> Iterator[tuple[Project, list[str]]]:
        """Each state of the folder that something is still followed by, with those campaigns."""
        projects = {id(project): project for project in self.sound.values()}
        for key, project in projects.items():
            yield project, sorted(name for name, one in self.sound.items() if id(one) == key)

    def refresh(self) -> bool:
        """Look at the files; whether anything was taken over from them. What is broken is said
        once, and again when it is broken in another way."""
        stamps = self._look()
        if stamps == self._stamps:
            return False
        digest = _digest(stamps)
        self._stamps = stamps
        if digest == self._digest:
            return False
        self._digest = digest
        return self._take_over(*load_project(self.config_path))

    def _look(self) -> Stamps:
        found: Stamps = {}
        for path in self._files():
            try:
                stat = path.stat()
            except OSError:  # an editor is putting a new one in its place
                continue
            found[path] = (stat.st_mtime_ns, stat.st_size)
        return found

    def _files(self) -> Iterator[Path]:
        yield self.config_path
        project = self._newest
        if project is None:
            return
        yield from Path(project.campaigns_folder).glob("*.toml")
        yield from (path for path in Path(project.templates_folder).rglob("*") if path.is_file())
        yield from (project.root / name for name in project.segments.lists)

    def _take_over(self, project: Project | None, problems: list[Problem]) -> bool:
        if project is not None:
            problems = sorted({*problems, *check_project(project)})
        errors = [one for one in problems if one.severity == "error"]
        whole = project is None or any(one.file == str(self.config_path) for one in errors)
        if project is not None and (self._newest is None or not whole):
            if self._newest is None:  # only now it is known which files there are: look again
                self._stamps = {}
            self._newest = project
        self._tell(errors, kept="the whole project" if whole else "")
        if project is None or whole:
            return False
        broken = {name for name in project.campaigns if _faulty(project, name, errors)}
        for name in sorted(project.campaigns.keys() - broken):
            before = self.sound.get(name)
            self.sound[name] = project
            if before is not None and _differ(before, project, name):
                self.say("definition_changed", campaign=name)
        for name in sorted(self.sound.keys() - _named(project)):
            del self.sound[name]
            self.say("definition_removed", campaign=name)
        return True

    def _tell(self, errors: Iterable[Problem], kept: str) -> None:
        lines = frozenset(str(one) for one in errors)
        for line in sorted(lines - self._said):
            more = {"kept": kept} if kept else {}
            self.say("definition_broken", problem=line, **more)
        if self._said and not lines:
            self.say("definitions_sound")
        self._said = lines


def _digest(stamps: Stamps) -> str:
    total = hashlib.sha256()
    for path in sorted(stamps):
        total.update(str(path).encode())
        try:
            total.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError:
            continue
    return total.hexdigest()


def _named(project: Project) -> set[str]:
    """Every campaign that has a file, readable or not."""
    paths = Path(project.campaigns_folder).glob("*.toml")
    return {path.stem for path in paths if path.name != SEGMENTS}


def _faulty(project: Project, name: str, errors: Iterable[Problem]) -> bool:
    """Whether a campaign, or what it is made from, has a fault."""
    campaign = project.campaigns[name]
    if campaign.segment not in project.segments.models:
        return True
    if campaign.template not in project.templates:
        return True
    return bool(concerning(project, name, errors))


def _differ(before: Project, after: Project, name: str) -> bool:
    return _digests(before, name) != _digests(after, name)


def _digests(project: Project, name: str) -> tuple[str, str, str]:
    campaign = project.campaigns[name]
    return (
        project.campaign_digest(name),
        project.segment_digest(campaign.segment),
        project.template_digest(campaign.template),
    )
