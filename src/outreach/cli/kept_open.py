"""What a service keeps open beside its rounds: the HTTP door and the message centres, by the config
as it was last sound."""

import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outreach.project.config import Config

_PATIENCE = 30.0  # seconds a stopping service waits for a change in hand


class Follower(Protocol):
    """Something that is opened by a config, and turns to another one while it is open."""

    @property
    def name(self) -> str: ...

    def turn_to(self, config: "Config", source: bytes) -> None: ...

    def close(self) -> None: ...


class KeptOpen:
    """Opens what is to be open, and lets it follow config.toml. What does not go is said once, and
    tried again with each round; what was open stays so meanwhile, where it can."""

    def __init__(self, followers: "Sequence[Follower]", say: "Callable[..., Any]") -> None:
        self._followers, self._say = followers, say
        self._by: tuple[Config, bytes] | None = None
        self._troubles: dict[str, str] = {}
        self._thread: threading.Thread | None = None

    def open(self, config: "Config", source: bytes) -> None:
        """For the first time: what cannot be opened is raised."""
        for one in self._followers:
            one.turn_to(config, source)
        self._by = config, source

    def follow(self, config: "Config", source: bytes) -> None:
        """Turn to a config where it is another one, beside the round that says so."""
        if self._thread is not None and self._thread.is_alive():
            return
        if self._by is not None and self._by[0] == config and not self._troubles:
            return
        self._by = config, source
        self._thread = threading.Thread(
            target=self._turn, args=(config, source), name="kept-open", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Close what is open, the last first."""
        if self._thread is not None:
            self._thread.join(_PATIENCE)
        for one in reversed(self._followers):
            one.close()

    def _turn(self, config: "Config", source: bytes) -> None:
        from outreach.cli.door import Failure
        from outreach.core.fault import place_of

        for one in self._followers:
            try:
                one.turn_to(config, source)
            except Exception as error:  # the others have their turn, and the next round tries again
                why = str(error) if isinstance(error, Failure) else type(error).__name__
                if self._troubles.get(one.name) != why:
                    self._troubles[one.name] = why
                    self._say(f"{one.name}_not_reopened", why=why, at=place_of(error))
            else:
                self._troubles.pop(one.name, None)
