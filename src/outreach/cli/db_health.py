"""What `doctor` says of the database itself."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from outreach.project.load import Project
    from outreach.store.health import Finding


def database_findings(
    conn: "Connection", _project: "Project", now: datetime
) -> "Iterator[Finding]":
    """Its size and growth, and what its server leaves undone."""
    from outreach.store import health

    return health.findings(conn, now)
