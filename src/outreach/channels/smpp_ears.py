"""Listening to a message centre for as long as a service runs, whatever happens to the session."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from outreach.channels import ChannelUnavailable
from outreach.channels.smpp_session import Centre, Heard, Session

# Seconds between two tries to get in; the last is repeated.
WAITS: Final = (1.0, 2.0, 5.0, 15.0, 60.0)


class Ears:
    """A thread that is bound to a centre and hears what it delivers, and binds again whenever the
    session ends. `say` is told when that changes."""

    def __init__(
        self, centre: Centre, heard: Heard, say: Callable[..., Any], *, sends: bool = False
    ) -> None:
        self._centre, self._heard, self._say, self._sends = centre, heard, say, sends
        self._stop = threading.Event()
        self._session: Session | None = None
        self._thread = threading.Thread(target=self._run, name="smpp-ears", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Take leave of the centre; it keeps what it has for us."""
        self._stop.set()
        if self._session is not None:
            self._session.close()
        self._thread.join()

    def _run(self) -> None:
        failed, told = 0, ""
        while not self._stop.is_set():
            try:
                session = Session(self._centre, self._take, sends=self._sends)
            except ChannelUnavailable as error:
                words = str(error)
            except Exception as error:  # the thread must live on
                words = f"opening a session failed: {type(error).__name__}"
            else:
                self._say("smpp_listening", centre=self._centre.host)
                failed, told = 0, ""
                words = self._until_over(session)
            if words != told and not self._stop.is_set():
                self._say("smpp_deaf", why=words)
                told = words
            self._stop.wait(WAITS[min(failed, len(WAITS) - 1)])
            failed += 1

    def _take(self, bodies: Sequence[bytes]) -> None:
        """Put what came on record; where that fails, say so, and let the centre come again."""
        try:
            self._heard(bodies)
        except Exception as error:
            self._say("smpp_not_stored", n=len(bodies), why=type(error).__name__)
            raise

    def _until_over(self, session: Session) -> str:
        self._session = session
        if self._stop.is_set():
            session.close()
        session.ended.wait()
        session.close()
        self._session = None
        return session.over
