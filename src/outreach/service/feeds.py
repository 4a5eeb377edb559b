"""The feeds of a service: sources that are due are fetched, and new files of the inbox taken in.

A round only looks, which is one reading of a folder. What there is to do is done beside it.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from outreach import ingest
from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts import raw_files
from outreach.feeds.halts.fetching import Answer, Request, fetch
from outreach.ingest.fetch import Place, due_sources, fetch_sources
from outreach.ingest.halts import MARK
from outreach.project.config import Config
from outreach.service.beside import Beside
from outreach.service.definitions import Definitions, Say
from outreach.service.due import is_due
from outreach.store.database import Database, DatabaseProblem

# How often the sources are held against their hours; none is asked more than once a minute.
ASK_EVERY: Final = timedelta(seconds=30)

Stamp = tuple[int, int]  # when a file was written, in ns, and its size


@dataclass
class Feeds:
    """What a service does about feeds in a round."""

    database: Database
    definitions: Definitions
    clock: Callable[[], datetime]
    say: Say
    actor: str = "scheduler"
    background: bool = False  # in a thread; else within the round
    stopping: Callable[[], bool] = lambda: False
    ask: Callable[[Request], Answer] = fetch
    _ask_at: datetime | None = None
    _before: dict[str, Stamp] = field(default_factory=dict)  # files as they were a round ago
    _left: dict[str, Stamp] = field(default_factory=dict)  # files that could not be moved away

    def __post_init__(self) -> None:
        self._beside = Beside("feeds", self.say)

    def look(self, now: datetime) -> None:
        """See whether there is anything to do, and begin it unless the last is still at work."""
        if self._beside.busy:
            return
        try:
            config = self.definitions.config
            whole = self._whole_files(self._inbox(config))
        except (LookupError, OSError) as error:
            self._beside.trouble("inbox", "inbox_unreadable", type(error).__name__)
            return
        asks = bool(config.feeds.halts.sources) and is_due(self._ask_at, now, ASK_EVERY)
        if not whole and not asks:
            return
        if asks:
            self._ask_at = now + ASK_EVERY
        self._beside.begin(lambda: self._work(config, whole, asks, now), background=self.background)

    def close(self) -> None:
        """Wait a little for the file in hand; what is left is taken by whoever serves next."""
        self._beside.close()

    # --- looking ----------------------------------------------------------------------------

    def _inbox(self, config: Config) -> Path:
        return self.definitions.config_path.resolve().parent / config.feeds.halts.inbox

    def _whole_files(self, inbox: Path) -> set[str]:
        """New files nobody writes to any more: those that are as they were a round ago, and those
        that were fetched, which appear whole."""
        found: dict[str, Stamp] = {}
        try:
            with os.scandir(inbox) as entries:
                for one in entries:
                    if raw_files.is_new(one.name) and one.is_file():
                        stat = one.stat()
                        found[one.name] = (stat.st_mtime_ns, stat.st_size)
        except FileNotFoundError:
            pass  # nothing was ever put there
        before, self._before = self._before, found
        return {
            name
            for name, stamp in found.items()
            if (MARK in name or before.get(name) == stamp) and self._left.get(name) != stamp
        }

    # --- working ----------------------------------------------------------------------------

    def _work(self, config: Config, names: set[str], asks: bool, now: datetime) -> None:
        if asks:
            names = names | self._fetch(config, now)
        if names and not self.stopping():
            self._take(config, names)

    def _desk(self, config: Config) -> ingest.Desk:
        rejects = self._var(config) / "rejects"
        return ingest.Desk(self.database, rejects, self.actor, self.clock, config.firm.zone)

    def _var(self, config: Config) -> Path:
        return self.definitions.config_path.resolve().parent / config.paths.var

    def _kept(self, config: Config) -> Path:
        return self._var(config) / "feeds" / "halts"

    def _fetch(self, config: Config, now: datetime) -> set[str]:
        """Ask the sources that are due; the files that came of it."""
        desk = self._desk(config)
        root = self.definitions.config_path.resolve().parent
        place = Place(desk, self._inbox(config), self._kept(config), root, self.ask)
        new: set[str] = set()
        for source in due_sources(desk, config.feeds.halts.sources, now):
            if self.stopping():
                break
            (done,) = fetch_sources(place, [source])
            if done.outcome == "failed":
                self._beside.trouble(done.name, "fetch_failed", done.why, source=done.name)
            elif done.outcome != "asked elsewhere":
                self._beside.fine(done.name, "fetch_back", source=done.name)
            if done.file is not None:
                new.add(done.file.name)
        return new

    def _take(self, config: Config, names: set[str]) -> None:
        """Take these files in, the oldest first. One that cannot be moved away, or on which the
        program fails, is left alone as it is; the others are taken all the same."""
        desk, inbox = self._desk(config), self._inbox(config)
        for path in raw_files.waiting(inbox):
            if path.name not in names:
                continue
            if self.stopping():
                return
            try:
                self._take_one(desk, config, path)
            except DatabaseProblem:
                raise
            except Exception as error:
                with suppress(OSError):  # somebody else may have moved it away after all
                    stat = path.stat()
                    self._left[path.name] = (stat.st_mtime_ns, stat.st_size)
                told = str(error) if isinstance(error, FileProblem) else type(error).__name__
                self._beside.trouble(path.name, "feed_stuck", told, file=path.name)

    def _take_one(self, desk: ingest.Desk, config: Config, path: Path) -> None:
        kept, feed = self._kept(config), config.feeds.halts
        for one in ingest.import_inbox(desk, path.parent, keep=kept, feed=feed, names={path.name}):
            if one.imported is None:
                self.say("feed_broken", file=str(one.file), why=one.why)
                continue
            done = one.imported
            self.say("feed_taken", file=path.name, form=done.form, alerts=dict(done.alerts))
