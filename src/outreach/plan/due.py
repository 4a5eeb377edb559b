"""An occurrence that is due, with everything a run of it is opened with."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection

from outreach.core.occurrence import Occurrence
from outreach.core.run_values import RunValues
from outreach.project.definition import Definition

# Writes, in the transaction that opens a run, what the run tells; takes the number of the run.
OnOpen = Callable[[Connection, int], None]


class Due(NamedTuple):
    """An occurrence ready to be planned, with what the database knows of it."""

    definition: Definition
    occurrence: Occurrence
    values: RunValues
    approval_id: int | None
    provisional: bool = False  # timed by a forecast: to look at, never to send by
    on_open: OnOpen | None = None


class Overtaken(Exception):
    """What a run was to tell has been told meanwhile, or is no longer true; nothing was written."""
