"""What every command works with: the global options, and what is opened on demand."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.project.config import Config
    from outreach.project.load import Project
    from outreach.store.database import Database
    from outreach.store.work import Task

DONE, PROBLEMS, USAGE, BAD_DATA, AUDIT_FAILED, NOT_ALLOWED = range(
    6
)  # exit codes, design of the CLI


class Failure(Exception):
    """Ends a command: the lines go to stderr, one a line; `code` is the exit code."""

    def __init__(self, code: int, lines: Sequence[str] | str) -> None:
        self.code = code
        self.lines = [lines] if isinstance(lines, str) else list(lines)
        super().__init__("\n".join(self.lines))


@dataclass
class Door:
    """Opened once a command; config, project and database are read when first asked for."""

    config_path: Path
    json: bool
    _config: "Config | None" = field(default=None, repr=False)
    _project: "Project | None" = field(default=None, repr=False)
    _database: "Database | None" = field(default=None, repr=False)
    _problems: list[str] = field(default_factory=list, repr=False)

    @property
    def root(self) -> Path:
        """The project's folder: every relative path is read from here."""
        return self.config_path.resolve().parent

    @property
    def config(self) -> "Config":
        """config.toml. Raises Failure(3) with every problem in it."""
        from outreach.project.config import Config
        from outreach.project.load import load_config

        if self._config is None:
            loaded = load_config(self.config_path)
            if not isinstance(loaded, Config):
                raise Failure(BAD_DATA, [str(problem) for problem in loaded])
            self._config = loaded
        return self._config

    @property
    def project(self) -> "Project":
        """Config, and the segments, campaigns and templates that could be read: somebody's draft
        must not stop the others. Raises Failure(3) when the config itself is broken."""
        from outreach.project.load import load_project

        if self._project is None:
            project, problems = load_project(self.config_path)
            self._problems = [str(one) for one in problems if one.severity == "error"]
            if project is None:
                raise Failure(BAD_DATA, self._problems)
            if self._problems:
                from outreach.cli.output import number_of

                elsewhere = number_of(len(self._problems), "problem")
                shows = "in files of the project; `outreach check` shows them"
                print(f"{elsewhere} {shows}", file=sys.stderr)
            self._project = project
        return self._project

    def problems_of(self, place: str) -> list[str]:
        """What is wrong with the files whose path holds `place`."""
        return [problem for problem in self._problems if place in problem]

    @property
    def database(self) -> "Database":
        """The database at the newest revision. Raises DatabaseProblem otherwise."""
        from outreach.store import migrate

        if self._database is None:
            database = self.open_database()
            migrate.require_current(database)
            self._database = database
            if self.config.engine.mode == "workers":
                database.submit = self._submit
        return self._database

    def _submit(self, tx: "Connection", tasks: "Sequence[Task]") -> None:
        from outreach.cli.worker import queue

        if tasks:
            queue(self).submit_all(tx, tasks)

    def open_database(self) -> "Database":
        """The database as it is, at whatever revision."""
        from outreach.store.database import Database

        url = self.config.database
        if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
            url = f"sqlite:///{self.root / url.removeprefix('sqlite:///')}"
        return Database(url)

    @property
    def var(self) -> Path:
        """The folder of everything the program writes beside the database."""
        return self.root / self.config.paths.var

    def now(self) -> datetime:
        """The clock. Refuses a pretended time when a real client could be written to."""
        from outreach import clock

        if clock.pretended() is not None:
            real = [n for n, s in self.config.senders.items() if s.kind not in ("file", "memory")]
            if real:
                raise Failure(
                    BAD_DATA,
                    f"{clock.VARIABLE} is set, but sender {real[0]} would write to real clients;"
                    " unset it, or use senders of kind file or memory",
                )
        return clock.now()

    @property
    def actor(self) -> str:
        """Who the audit entry names when no --as is given: the user of the system."""
        import getpass

        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return "unknown"
