"""The file channel: e-mails as .eml files, others as lines of JSON, below one outbox folder.

<outbox>/<run>/email/NNN/<message>.eml, at most 1,000 a folder; <outbox>/<run>/sms.jsonl
and push.jsonl.
Several sender processes may write the same run. What a killed process left half written never
counts as sent: an e-mail gets its name only when whole, and a torn last line is cut off before the
next one is appended. SMS lines are flushed to the disk a window; e-mails are left to the kernel, so
a power cut may lose the last seconds of them (`find` then says so).
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import orjson

from outreach.channels import Asked, ChannelUnavailable
from outreach.core.campaign import PARTS
from outreach.core.mime import Letterhead, Skeleton, Unwritable
from outreach.core.model import Message, Outcome, accepted, refused, unavailable
from outreach.core.receipt import Receipt
from outreach.core.sms_text import measure
from outreach.core.words import Channel, State

PER_FOLDER = 1000
# Clients' addresses stand in these files, so nobody but owner and group may read them.
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640
_TAIL = 65536  # bytes searched at a time for the last line end


class FileOutbox:
    """Writes messages where a person, or another program, picks them up."""

    window = 2000
    echo = True  # nothing is heard of them later
    lookup = True
    idempotent = False

    def __init__(self, channel: Channel, root: Path, letterhead: Letterhead) -> None:
        self.channel = channel
        self._root = root
        self._letterhead = letterhead
        self._skeletons: dict[str, Skeleton] = {}
        self._folders: set[str] = set()

    def send(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        """Writes one window; a full disk or a missing right stops it with a sentence that says so.

        An e-mail sent again replaces its own file; an SMS sent again is a second line.
        """
        if self.channel is Channel.EMAIL:
            return self._send_emails(messages)
        return self._send_lines(messages)

    def find(self, messages: Sequence[Asked]) -> Iterator[tuple[int, Receipt | None]]:
        """The messages that really are in the outbox, whole."""
        email, written = self.channel is Channel.EMAIL, dict[int, set[int]]()
        for one in messages:
            if not email and one.run_id not in written:
                written[one.run_id] = _ids(self._lines(one.run_id))
            there = _is_whole(self._eml(one)) if email else one.id in written[one.run_id]
            words = "it is in the outbox"
            receipt = Receipt(State.ACCEPTED, one.until, message_id=one.id, detail=words)
            yield one.id, receipt if there else None

    def close(self) -> None:
        """Nothing is kept open between windows."""

    # --- e-mail ------------------------------------------------------------------------------

    def _eml(self, message: Message | Asked) -> str:
        folder = f"{message.id // PER_FOLDER:03d}"
        return f"{self._root}/{message.run_id}/email/{folder}/{message.id}.eml"

    def _send_emails(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        stopped = ""
        for position, message in enumerate(messages):
            if stopped:
                yield message.id, unavailable("file", stopped)
                continue
            try:
                content = self._skeleton(message.locale).fill(message)
            except Unwritable as error:
                yield message.id, refused("unwritable", str(error))
                continue
            try:
                self._write_eml(self._eml(message), content)
            except OSError as error:
                stopped = self._cause(error)
                if position == 0:
                    raise ChannelUnavailable(stopped) from error
                yield message.id, unavailable("file", stopped)
                continue
            yield message.id, accepted(f"{message.id}.eml", sha256(content).digest())

    def _skeleton(self, locale: str) -> Skeleton:
        skeleton = self._skeletons.get(locale)
        if skeleton is None:
            skeleton = self._skeletons[locale] = Skeleton(self._letterhead, locale, "8bit")
        return skeleton

    def _write_eml(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            _make_folder(Path(folder))
            self._folders.add(folder)
        draft = f"{folder}/.{name}.{os.getpid()}"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
        except FileNotFoundError:  # somebody cleared the outbox while we ran
            _make_folder(Path(folder))
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE)
        try:
            _write(descriptor, content)
        except OSError:
            with suppress(OSError):
                Path(draft).unlink()
            raise
        finally:
            os.close(descriptor)
        os.rename(draft, path)  # noqa: PTH104 - a Path costs more than the rename

    # --- SMS and notifications ---------------------------------------------------------------

    def _lines(self, run_id: int) -> Path:
        return self._root / str(run_id) / f"{self.channel.value}.jsonl"

    def _send_lines(self, messages: Sequence[Message]) -> Iterator[tuple[int, Outcome]]:
        stopped, said = "", False
        for run_id, group in groupby(messages, key=_run_of):
            lines: list[bytes] = []
            outcomes: list[tuple[int, Outcome]] = []
            for message in group:
                try:
                    line, digest = self._line(message)
                except Unwritable as error:
                    outcomes.append((message.id, refused("unwritable", str(error))))
                else:
                    lines.append(line)
                    outcomes.append((message.id, accepted(digest=digest)))
            try:
                if not stopped and lines:
                    _append(self._lines(run_id), b"".join(lines))
            except OSError as error:
                stopped = self._cause(error)
                if not said:
                    raise ChannelUnavailable(stopped) from error
            for id_, outcome in outcomes:
                taken = outcome.digest and stopped
                yield id_, unavailable("file", stopped) if taken else outcome
            said = True

    def _line(self, message: Message) -> tuple[bytes, bytes]:
        parts = message.parts
        if len(parts) != len(PARTS[self.channel]):
            raise Unwritable(f"it is no message of the channel {self.channel}")
        record = {"message": message.id, "to": message.to, "sender": self._letterhead.address}
        if self.channel is Channel.SMS:
            encoding, _, size = measure(parts[0])
            record |= {"body": parts[0], "encoding": encoding, "parts": size}
        else:
            record |= dict(zip(PARTS[self.channel], parts, strict=True))
        record["at"] = message.at
        try:
            line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
        except orjson.JSONEncodeError:
            raise Unwritable("the text holds half a character (a lone surrogate)") from None
        return line, sha256("\n".join(parts).encode()).digest()

    def _cause(self, error: OSError) -> str:
        return f"the outbox {self._root} cannot be written: {error.strerror or error}"


def _run_of(message: Message) -> int:
    return message.run_id


def _make_folder(folder: Path) -> None:
    # `mkdir(parents=True)` gives the mode to the last folder only.
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(_FOLDER_MODE, exist_ok=True)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _append(path: Path, lines: bytes) -> None:
    """Adds whole lines at the end or, on any error, nothing at all. Raises `OSError`."""
    _make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = _cut_torn_line(descriptor)
        try:
            _write(descriptor, lines)
            os.fdatasync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _cut_torn_line(descriptor: int) -> int:
    """Truncates to the last line end, and returns the size then. The lock must be held."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    end = size
    while end > 0:
        start = max(0, end - _TAIL)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    os.ftruncate(descriptor, end)
    return end


def _is_whole(path: str) -> bool:
    """A power cut can leave a name without content; a whole message ends with its boundary."""
    try:
        return Path(path).read_bytes().endswith(b"--\r\n")
    except FileNotFoundError:
        return False


def _ids(path: Path) -> set[int]:
    ids = set()
    with suppress(FileNotFoundError), path.open("rb") as lines:
        for line in lines:
            # A last line without its end is torn: the next append will cut it off.
            if line.endswith(b"\n"):
                with suppress(orjson.JSONDecodeError):
                    ids.add(int(orjson.loads(line)["message"]))
    return ids
