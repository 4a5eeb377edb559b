"""What a push service reports of notifications: signed with the same secret as what it is sent."""

from typing import Final

from outreach.core.standard_webhooks import check_secret, verified
from outreach.project.sender_config import WebhookSender
from outreach.receive import Event
from outreach.web.site import Site
from outreach.web.wire import Receive, Scope, Send, header, read_body, reply

_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


class Pushes:
    """The reports of all push services."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._secrets = {
            name: secret
            for name, sender in site.config.senders.items()
            if isinstance(sender, WebhookSender)
            and (secret := site.secrets.get(name))
            and not check_secret(secret)
        }

    async def status(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A report: stored as it came, once its signature is found to be right."""
        site, sender = self._site, scope["path_params"]["sender"]
        secret = self._secrets.get(sender)
        body = await read_body(scope, receive, site.web.body_limit)
        headers = {name: header(scope, name.encode()) for name in _HEADERS}
        if not secret or not verified(secret, headers, body, site.clock()):
            await site.refuse(scope, send, 403, "forged")
            return
        await site.intake.put(Event(f"push:{sender}", "status", body, site.clock()))
        site.tally.add("status")
        await reply(send, 204)
