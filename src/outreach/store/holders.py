"""Whose an address is: the client numbers by which people know who wrote or whom to call."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, select

from outreach.core.words import Channel
from outreach.store.one_of import one_of
from outreach.store.tables import client

_COLUMNS: Final = {
    Channel.SMS: client.c.phone,
    Channel.EMAIL: client.c.email,
    Channel.PUSH: client.c.client_no,
}


def numbers(
    conn: Connection, addresses: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[str]]:
    """The numbers of the clients who have these (channel, address), in order; none: no key."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for channel, address in addresses:
        wanted[channel].add(address)
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for channel, column in _COLUMNS.items():
        if not wanted[channel]:
            continue
        query = select(column, client.c.client_no).where(one_of(conn, column, wanted[channel]))
        for address, number in conn.execute(query.order_by(client.c.client_no)):
            found[channel.value, address].append(number)
    return dict(found)
