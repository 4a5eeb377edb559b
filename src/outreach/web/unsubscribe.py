"""One-click unsubscribe (RFC 8058): GET shows what would stop and changes nothing, POST stops it.

The token is all that is asked for: no login, no cookie, no redirect. The event holds the moment to
the second, for a client who came back and leaves again must be heard again.
"""

import asyncio
from contextlib import suppress
from datetime import UTC

import orjson

from outreach.core import unsubscribe
from outreach.core.accept_language import preferred
from outreach.core.words import Purpose
from outreach.receive import Event
from outreach.store import clients
from outreach.store.database import DatabaseProblem
from outreach.web.pages import LANGUAGES
from outreach.web.site import Site
from outreach.web.wire import Receive, Scope, Send, header, read_body

_BODY = 2_048  # bytes: List-Unsubscribe=One-Click, as a form of either kind


class Unsubscribe:
    """Page and act of one link."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        """GET: what will stop, and a button. Changes nothing, whoever prefetches it."""
        site = self._site
        if not site.allows(scope):
            await site.too_many(send)
            return
        found = unsubscribe.read(site.key, scope["path_params"]["token"])
        if found is None:
            await self._unknown(scope, send)
            return
        language = await self._language(scope, found[0])
        purpose = found[1].sentence.in_(language)
        await site.show(send, site.pages.page("unsubscribe", language, purpose=purpose))

    async def act(self, scope: Scope, receive: Receive, send: Send) -> None:
        """POST: stops it, by a mail program or by the button. Doing it twice does no more."""
        site = self._site
        await read_body(scope, receive, _BODY)
        found = unsubscribe.read(site.key, scope["path_params"]["token"])
        if found is None:
            if site.allows(scope):
                await self._unknown(scope, send)
            else:
                await site.too_many(send)
            return
        await site.intake.put(self._event(scope["path"], *found))
        site.tally.add("unsubscribed")
        language = await self._language(scope, found[0])
        purpose = found[1].sentence.in_(language)
        await site.show(send, site.pages.page("unsubscribed", language, purpose=purpose))

    def _event(self, path: str, client_id: int, purpose: Purpose) -> Event:
        now = self._site.clock().astimezone(UTC)
        said = {
            "client": client_id,
            "purpose": purpose.value,
            "path": path,
            "at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        }
        return Event("unsubscribe", "click", orjson.dumps(said), now)

    async def _unknown(self, scope: Scope, send: Send) -> None:
        self._site.tally.add("unknown_link")
        language = asked_for(scope) or "zh"
        await self._site.show(send, self._site.pages.note("unknown", language, 404))

    async def _language(self, scope: Scope, client_id: int) -> str:
        """As the reader asks, else the client's own."""
        if asked := asked_for(scope):
            return asked
        return await asyncio.to_thread(self._clients_own, client_id)

    def _clients_own(self, client_id: int) -> str:
        locale: str | None = None
        with suppress(DatabaseProblem), self._site.database.reading() as conn:
            locale = clients.locale_of(conn, client_id)
        return "en" if locale is not None and not locale.startswith("zh") else "zh"


def asked_for(scope: Scope) -> str | None:
    """zh or en: as the page's own link says, else as the browser prefers; None: neither."""
    query = scope["query_string"]
    asked = query[5:].decode("latin-1") if query.startswith(b"lang=") else ""
    if asked in LANGUAGES:
        return str(asked)
    return preferred(header(scope, b"accept-language"), LANGUAGES)
