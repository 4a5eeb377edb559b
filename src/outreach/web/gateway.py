"""What gateways of the mainland push: receipts and replies, as their profiles describe them.

They are not signed. The address holds a token made of our key, and `push_from` of the sender may
narrow down from where it is asked.
"""

import orjson

from outreach.channels.sms_gateway_http import profile_of
from outreach.core.gateway.profile import Profile
from outreach.core.gateway.push import is_push_token, push_token
from outreach.project.config import GatewaySender
from outreach.receive import Event
from outreach.web.limits import Within
from outreach.web.site import Site
from outreach.web.wire import Receive, Scope, Send, read_body, reply

KINDS = ("status", "inbound")
_JSON = ((b"content-type", b"application/json"),)
_NOTHING = (b"", b"[]", b"{}")  # a console that only tries the address


class Gateways:
    """The pushes of all gateways."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._profiles: dict[str, Profile] = {}
        self._from: dict[str, Within] = {}
        for name, sender in site.config.senders.items():
            if isinstance(sender, GatewaySender):
                self._profiles[name] = profile_of(sender.at(site.root).profile)
                self._from[name] = Within(sender.push_from)

    async def push(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A push: stored as it came, then answered as the gateway wants it."""
        site, place = self._site, scope["path_params"]
        profile, kind = self._profiles.get(place["sender"]), place["kind"]
        if profile is None or kind not in KINDS or not self._is_theirs(scope):
            await site.refuse(scope, send, 404, "forged")
            return
        body = await read_body(scope, receive, site.web.body_limit)
        if body.strip() not in _NOTHING:
            event = Event(f"gateway:{place['sender']}", kind, body, site.clock())
            await site.intake.put(event)
            site.tally.add(kind)
        answer = profile.push.answer if profile.push else {}
        await reply(send, 200, orjson.dumps(answer), _JSON)

    def _is_theirs(self, scope: Scope) -> bool:
        place, allowed = scope["path_params"], self._from[scope["path_params"]["sender"]]
        if allowed and self._site.callers.address(scope) not in allowed:
            return False
        return is_push_token(self._site.key, place["sender"], place["token"])


def push_url(site_url: str, key: bytes, sender: str, kind: str) -> str:
    """The address to set in a gateway's console."""
    return f"{site_url}/gateway/{sender}/{push_token(key, sender)}/{kind}"
