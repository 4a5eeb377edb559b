"""`outreach init`: a new project folder with everything a first campaign needs."""

import shutil
from pathlib import Path
from typing import Annotated, Final

import typer

from outreach.cli.door import BAD_DATA, Door, Failure
from outreach.cli.output import emit_json, next_step, say

CONTENTS: Final = ("config.toml", "campaigns", "templates", "schemas", "samples")


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A folder that is new or empty.")],
) -> None:
    """Set up a new project folder: config, campaigns, templates, schemas and sample data."""
    door: Door = context.obj
    written = create_project(folder)
    if door.json:
        emit_json({"folder": str(folder.resolve()), "files": written})
    say(door, f"{folder} is a project with {written} files; every client in it is invented.")
    next_step(
        door,
        f"cd {folder}",
        "outreach db upgrade",
        "outreach clients import samples/clients.csv",
        "outreach check",
    )


def create_project(folder: Path) -> int:
    """Copy the shipped project into a folder; returns the number of files. Raises Failure(3)
    when the folder holds anything already, or cannot be written to."""
    source = shipped()
    try:
        if folder.exists() and any(folder.iterdir()):
            raise Failure(BAD_DATA, f"{folder}: the folder is not empty; name a new one")
        folder.mkdir(parents=True, exist_ok=True)
        for name in CONTENTS:
            _copy(source / name, folder / name)
    except NotADirectoryError:
        raise Failure(BAD_DATA, f"{folder}: this is a file; name a new folder") from None
    except OSError as error:
        raise Failure(BAD_DATA, f"{folder}: cannot be written: {error.strerror}") from None
    return sum(1 for path in folder.rglob("*") if path.is_file())


def shipped() -> Path:
    """The project as shipped: inside the installed package, or the root of a checkout."""
    installed = Path(__file__).parents[1] / "_project"
    return installed if installed.is_dir() else Path(__file__).parents[3]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copyfile(source, target)
