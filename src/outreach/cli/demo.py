"""`outreach demo`: the main job on the sample data, in a fresh folder, at a pretended moment."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from outreach.cli.door import PROBLEMS, Door, Failure
from outreach.cli.init import create_project

MOMENT = "2026-09-28T15:30+08:00"  # the Monday before the National Day closure, after the close
SETTING_UP = (
    ("db", "upgrade"),
    ("clients", "import", "samples/clients.csv", "--as-of", "2026-09-24"),
    ("holdings", "import", "samples/holdings.csv", "--as-of", "2026-09-24"),
    ("consent", "import", "samples/consents.csv"),
    ("halts", "import", "samples/halts.csv"),
    ("check",),
)
CAMPAIGNS = ("closure-notice", "suspension-alert", "risk-notice")
APPROVER = "chen.compliance"


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Made anew each time.")] = Path("var/demo"),
) -> None:
    """Run three real campaigns over 5,000 sample clients through the file channel."""
    door: Door = context.obj
    if folder.exists():
        if not (folder / ".outreach-demo").exists():
            raise Failure(PROBLEMS, f"{folder}: is not a demo's folder; name one that is not there")
        shutil.rmtree(folder)
    started = time.monotonic()
    create_project(folder)
    (folder / ".outreach-demo").touch()
    typer.echo(f"The clock stands at {MOMENT} (Shanghai). Everything is written below {folder}/.\n")
    for command in SETTING_UP:
        _run(folder, command, door.json)
    for campaign in CAMPAIGNS:
        _run(folder, ("plan", campaign), door.json)
        _run(folder, ("approve", campaign, "--as", APPROVER), door.json)
        _run(folder, ("run", campaign), door.json)
    client = _silent_client(folder)
    _run(folder, ("explain", client, "closure-notice"), door.json)
    _run(folder, ("audit", "verify"), door.json)
    _farewell(folder, client, time.monotonic() - started)


def _environment() -> dict[str, str]:
    return {**os.environ, "OUTREACH_CLOCK": MOMENT, "OUTREACH_CONFIG": "config.toml"}


def _run(folder: Path, command: Sequence[str], json: bool) -> None:
    """Run one command as a person would; the demo ends where a command fails."""
    typer.secho(f"$ outreach {' '.join(command)}", fg="green", bold=True)
    arguments = [sys.executable, "-m", "outreach", *(["--json"] if json else []), *command]
    done = subprocess.run(arguments, cwd=folder, env=_environment(), check=False)
    typer.echo()
    if done.returncode:
        raise Failure(done.returncode, f"the demo stopped at: outreach {' '.join(command)}")


def _silent_client(folder: Path) -> str:
    """A client to ask about: a candidate of the first campaign who objected and got nothing."""
    import json

    arguments = [sys.executable, "-m", "outreach", "--json", "log", "--run", "1"]
    done = subprocess.run(
        [*arguments, "--limit", "100000"],
        cwd=folder,
        env=_environment(),
        check=True,
        capture_output=True,
    )
    lines = json.loads(done.stdout)
    told = {line["client"] for line in lines if line["state"] != "suppressed"}
    silent = [line for line in lines if line["client"] not in told]
    objected = [line for line in silent if line["reason"] == "global_objection"]
    return str((objected or silent)[0]["client"])


def _farewell(folder: Path, client: str, seconds: float) -> None:
    typer.secho(f"Done in {seconds:.0f} s.", bold=True)
    program = "outreach" if shutil.which("outreach") else str(Path(sys.argv[0]).resolve())
    typer.echo(f"""
Look at what was sent:
  {folder}/var/outbox/1/sms.jsonl          one SMS a line
  {folder}/var/outbox/1/email/             one .eml a mail; open one in a mail program
Try next:
  cd {folder}; export OUTREACH_CLOCK={MOMENT}
  {program} preview risk-notice --client {client} --out mail.html
  {program} log --run 1 --state held
  {program} run closure-notice      (nothing is sent twice)
  {program} segment list
  {program} audit checkpoint""")
