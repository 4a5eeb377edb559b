"""Ways to a department of the firm: a file it reads, or a webhook of its own system.

Webhooks are signed (`core.standard_webhooks`). One attempt a call; whether and when to try again is
the business of `survey.forward`.
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from outreach.core.standard_webhooks import signed

_SHOWN: Final = 200  # characters of an answer that are kept


@dataclass(frozen=True, slots=True)
class Lines:
    """One JSON document a line, added to a file."""

    path: Path

    def hand_over(self, case_id: str, body: bytes, at: datetime) -> str | None:
        """None when the line is on disk, else why not."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(file, (b"" if _ends_a_line(file) else b"\n") + body + b"\n")
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            return f"{self.path}: {error.strerror or error}"
        return None


def _ends_a_line(file: int) -> bool:
    """Whether a file is empty or ends with a line end: a crash may have left half a line."""
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"


@dataclass(frozen=True, slots=True)
class Folder:
    """One file a case, whole or not there. The same case again is the same file."""

    path: Path

    def hand_over(self, case_id: str, body: bytes, at: datetime) -> str | None:
        """None when the file is there, else why not."""
        draft = self.path / f".{case_id}.{os.getpid()}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
            try:
                os.write(file, body)
                os.fsync(file)
            finally:
                os.close(file)
            draft.replace(self.path / f"{case_id}.json")
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            return f"{self.path}: {error.strerror or error}"
        return None


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST that must be answered with 2xx. Redirects are not followed."""

    url: str
    secret: str = field(repr=False)
    timeout: float = 10.0  # seconds

    def hand_over(self, case_id: str, body: bytes, at: datetime) -> str | None:
        """None when it was taken, else why not."""
        import http.client
        import ssl

        parts = urlsplit(self.url)
        host, path = parts.hostname or "", parts.path or "/"
        path = f"{path}?{parts.query}" if parts.query else path
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                host, parts.port, timeout=self.timeout, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=self.timeout)
        try:
            connection.request("POST", path, body, signed(self.secret, case_id, body, at))
            answer = connection.getresponse()
            said = answer.read(_SHOWN)
        except TimeoutError:
            return f"no answer within {self.timeout:g} s"
        except (OSError, http.client.HTTPException) as error:
            return f"{type(error).__name__}: {error}"[:_SHOWN]
        finally:
            connection.close()
        if 200 <= answer.status < 300:
            return None
        words = said.decode("utf-8", "replace").split()
        return f"HTTP {answer.status} {' '.join(words)}"[:_SHOWN].strip()


Department = Lines | Folder | Webhook
