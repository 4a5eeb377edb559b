"""The table of routes, and what holds for each of them."""

from collections.abc import Awaitable, Callable

from starlette.routing import Route, Router

from outreach.core.fault import place_of
from outreach.web.gateway import Gateways
from outreach.web.intake import NotStored
from outreach.web.push import Pushes
from outreach.web.site import Site
from outreach.web.survey import Surveys
from outreach.web.twilio import Hooks
from outreach.web.unsubscribe import Unsubscribe
from outreach.web.wire import CLOSE, PLAIN, Gone, Receive, Scope, Send, TooLarge, reply

Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Asgi:
    """An endpoint as Starlette's router takes it: an object, not a function of a request."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._endpoint(scope, receive, send)


def routes(site: Site) -> list[Route]:
    """Every path that is answered."""
    twilio, gateways, pushes = Hooks(site), Gateways(site), Pushes(site)
    links, surveys = Unsubscribe(site), Surveys(site)
    below, public = site.public.prefix, site.public
    table: list[tuple[str, str, Endpoint]] = [
        ("POST", f"{below}/twilio/{{sender}}/status/{{message}}", twilio.status),
        ("POST", f"{below}/twilio/{{sender}}/inbound", twilio.inbound),
        ("POST", f"{below}/gateway/{{sender}}/{{token}}/{{kind}}", gateways.push),
        ("POST", f"{below}/push/{{sender}}/status", pushes.status),
        ("GET", f"{public.unsubscribe}{{token}}", links.ask),
        ("POST", f"{public.unsubscribe}{{token}}", links.act),
        ("GET", f"{below}/healthz", Health(site).ask),
    ]
    if public.survey:
        table += [
            ("GET", f"{public.survey}{{token}}", surveys.ask),
            ("POST", f"{public.survey}{{token}}", surveys.act),
        ]
    return [Route(path, _Asgi(endpoint), methods=[method]) for method, path, endpoint in table]


class Health:
    """Whether the door takes things in; tells nothing else."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        well = not self._site.intake.troubled
        await reply(send, 200 if well else 503, b"ok\n" if well else b"cannot store\n")


class App:
    """The door as an ASGI application. Nothing that comes in makes it fail with a traceback."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._said: set[tuple[str, str]] = set()  # faults of ours that were told
        self._router = Router(routes(site), redirect_slashes=False, default=self._unknown)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._router(scope, receive, send)
        except TooLarge:
            self._site.tally.add("too_large")
            await reply(send, 413, b"too large\n", (PLAIN, CLOSE))
        except Gone:
            self._site.tally.add("gone")
        except NotStored:
            self._site.tally.add("not_stored")
            await reply(send, 503, b"try again\n", (PLAIN, (b"retry-after", b"5")))
        except Exception as error:
            self._site.tally.add("failed")
            if (fault := (type(error).__name__, place_of(error))) not in self._said:
                self._said.add(fault)
                self._site.say("web_failed", error=fault[0], at=fault[1])
            await reply(send, 500, b"it failed\n", (PLAIN, CLOSE))

    async def _unknown(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._site.refuse(scope, send, 404, "unknown_path")
