"""Limits of recipient domains that all processes of a machine keep together, in one small file.

A place in a domain is a lock on a byte of the file, so that whoever dies gives his places back. The
moment of a domain's next mail stands in the file, and when somebody last found no place, on the
clock of the machine, which starts anew with it. Domains are told apart by a hash: two that share
one share a limit, too.
"""

import errno
import fcntl
import mmap
import os
import struct
from pathlib import Path
from typing import Final
from zlib import crc32

_DOMAINS: Final = 1 << 16
_PLACES: Final = 256  # bytes of lock a domain has; config allows 128 connections
_BOOK: Final = _PLACES - 1  # the byte whose holder may change the moment
_RECORD: Final = struct.Struct("=dd")
_MOMENT: Final = struct.Struct("=d")
_FLOCK: Final = struct.Struct("hhqqi4x")  # struct flock of Linux on 64 bits
_LATENESS: Final = 0.05
_FAR: Final = 180.0  # seconds; a moment further ahead is of a machine that has been started anew
SOON: Final = 0.02  # seconds until somebody looks again whether others have left a place


class SharedLimits:
    """The file, opened by one channel."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be made, or its file system knows no such locks."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(self._file).st_size < _DOMAINS * _RECORD.size:
                os.ftruncate(self._file, _DOMAINS * _RECORD.size)
            self._moments = mmap.mmap(self._file, _DOMAINS * _RECORD.size)
            if self.lock(0, _BOOK):
                self.unlock(0, _BOOK)
        except BaseException:
            os.close(self._file)
            raise

    def of(self, domain: str) -> "Share":
        """What this channel has of a domain."""
        return Share(self, crc32(domain.encode()) % _DOMAINS)

    def close(self) -> None:
        """Gives back every place."""
        self._moments.close()
        os.close(self._file)

    def lock(self, domain: int, place: int) -> bool:
        """Whether a place was free, and is ours now."""
        try:
            self._set(fcntl.F_WRLCK, domain, place)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def unlock(self, domain: int, place: int) -> None:
        self._set(fcntl.F_UNLCK, domain, place)

    def turn(self, domain: int, now: float, gap: float) -> float:
        """Takes the domain's next turn, with `gap` seconds to the one after it: 0 when it was ours
        now, else the moment to ask again."""
        if not self.lock(domain, _BOOK):
            return now + SOON / 10
        try:
            at = domain * _RECORD.size
            (moment,) = _MOMENT.unpack_from(self._moments, at)
            if now < moment <= now + _FAR:
                return float(moment)
            # What was lost by looking late is made good, but no more than that.
            begins = now - min(gap / 2, _LATENESS)
            if moment <= now:
                begins = max(moment, begins)
            _MOMENT.pack_into(self._moments, at, begins + gap)
            return 0.0
        finally:
            self.unlock(domain, _BOOK)

    def want(self, domain: int, now: float) -> None:
        """Say that somebody waits for a place."""
        _MOMENT.pack_into(self._moments, domain * _RECORD.size + _MOMENT.size, now)

    def wanted(self, domain: int, now: float) -> bool:
        """Whether somebody has lately waited for a place."""
        (at,) = _MOMENT.unpack_from(self._moments, domain * _RECORD.size + _MOMENT.size)
        return bool(now - 3 * SOON < at <= now + SOON)

    def _set(self, kind: int, domain: int, place: int) -> None:
        # A lock of the open file, not of the process: threads keep each other out, too.
        asked = _FLOCK.pack(kind, os.SEEK_SET, domain * _PLACES + place, 1, 0)
        fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, asked)


class Share:
    """The places of one domain that one channel holds."""

    __slots__ = ("_domain", "_held", "_limits")

    def __init__(self, limits: SharedLimits, domain: int) -> None:
        self._limits, self._domain = limits, domain
        self._held: list[int] = []

    def enter(self, most: int, now: float) -> bool:
        """Take one of `most` places; False while others have them all."""
        for place in range(min(most, _BOOK)):
            if place not in self._held and self._limits.lock(self._domain, place):
                self._held.append(place)
                return True
        self._limits.want(self._domain, now)
        return False

    def leave(self, now: float) -> bool:
        """Give one place back, if there is one; whether somebody else waits for it."""
        if not self._held:
            return False
        self._limits.unlock(self._domain, self._held.pop())
        return self._limits.wanted(self._domain, now)

    def leave_all(self) -> None:
        """Give every place back."""
        while self._held:
            self._limits.unlock(self._domain, self._held.pop())

    def turn(self, now: float, gap: float) -> float:
        """As of `SharedLimits.turn`."""
        return self._limits.turn(self._domain, now, gap)
