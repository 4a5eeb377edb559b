"""The raw halt files: each kept as it came, and the folder new ones are put into."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from outreach.feeds.file_problem import FileProblem
from outreach.feeds.halts.saved import Saved

LIMIT: Final = 64 << 20  # bytes; a day of the busiest market is a thousandth of it
DONE, BROKEN = "done", "broken"


def opened(path: Path) -> Saved:
    """A file with its bytes. Raises FileProblem when it is not there, or too large to be one."""
    try:
        if path.stat().st_size > LIMIT:
            raise FileProblem(f"{path}: a halt file larger than {LIMIT >> 20} MB is none; check it")
        return Saved(path, path.read_bytes())
    except FileNotFoundError:
        raise FileProblem(f"{path}: there is no such file; check the path") from None
    except OSError as error:
        raise FileProblem(f"{path}: cannot be read ({error.strerror}); check its rights") from error


def digest_of(saved: Saved) -> str:
    """SHA-256 of the bytes, hex."""
    return hashlib.sha256(saved.content).hexdigest()


def keep(folder: Path, saved: Saved) -> Path:
    """Keep the raw file under its digest, once. Raises FileProblem when it cannot be written."""
    target = folder / f"{digest_of(saved)}{saved.path.suffix.lower() or '.txt'}"
    if target.exists():
        return target
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(saved.content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        why = f"cannot be written ({error.strerror}); free some space or check rights"
        raise FileProblem(f"{target}: {why}") from error
    return target


def kept(folder: Path, digest: str) -> Path | None:
    """The raw file with a digest, where one is kept."""
    return next(folder.glob(f"{digest}.*"), None) if digest else None


def waiting(inbox: Path) -> Iterator[Path]:
    """The new files of a watched folder, oldest first. Hidden ones are still being written."""
    if not inbox.is_dir():
        return
    found: list[tuple[int, Path]] = []
    for path in inbox.iterdir():
        with suppress(FileNotFoundError):  # somebody else has taken it meanwhile
            if is_new(path.name) and path.is_file():
                found.append((path.stat().st_mtime_ns, path))
    yield from (path for _, path in sorted(found))


def is_new(name: str) -> bool:
    """Whether a file of the inbox is to be taken, by its name."""
    return not name.startswith(".") and not name.endswith((".part", ".tmp", ".crdownload"))


def put_away(path: Path, into: str, why: str = "") -> Path:
    """Move a file of the inbox to done/ or broken/ beside it, with a .txt that says why. One of the
    same name that lies there already is left alone."""
    folder = path.parent / into
    try:
        folder.mkdir(exist_ok=True)
        target, number = folder / path.name, 1
        while target.exists():
            number += 1
            target = folder / f"{path.stem}-{number}{path.suffix}"
        moved = path.rename(target)
        if why:
            moved.with_name(f"{moved.name}.txt").write_text(f"{why}\n", encoding="utf-8")
        return moved
    except OSError as error:
        raise FileProblem(f"{path}: cannot be moved to {folder} ({error.strerror})") from error
