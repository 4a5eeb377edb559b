"""Twilio's webhooks: signature first, then the form stored as it came, then 2xx.

The signature covers the address Twilio asked for and every field
(https://www.twilio.com/docs/usage/security#validating-requests). The address is that of
`public_url` and the path as it came: what a proxy or a Host header says does not count.
"""

from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from outreach.project.config import TwilioSender
from outreach.project.secrets import variable_of
from outreach.receive import Event
from outreach.web.site import Site
from outreach.web.wire import Receive, Scope, Send, header, read_body, reply

_FIELDS: Final = 400  # of a form; Twilio sends some twenty
_DIGITS: Final = 18  # of a message's number
_TWIML: Final = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
_XML: Final = ((b"content-type", b"text/xml; charset=utf-8"),)

Form = list[tuple[str, str]]


class Fields(dict[str, str]):
    """A form as the validator asks for it: every value of a name."""

    def __init__(self, form: Form) -> None:
        super().__init__(form)
        self._all = form

    def getall(self, name: str) -> list[str]:
        return [value for key, value in self._all if key == name]


class Hooks:
    """The validators of the senders, and the two routes."""

    def __init__(self, site: Site) -> None:
        from twilio.request_validator import RequestValidator

        self._site = site
        self._validators: dict[str, Any] = {}
        for name, sender in site.config.senders.items():
            if not isinstance(sender, TwilioSender):
                continue
            if token := site.secrets.get(name):
                self._validators[name] = RequestValidator(token)
            else:
                site.say("web_sender_without_secret", sender=name, variable=variable_of(name))

    async def status(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A status callback."""
        number = scope["path_params"]["message"]
        if len(number) > _DIGITS or not (number.isascii() and number.isdecimal()):
            await self._site.refuse(scope, send, 404, "unknown_path")
        elif await self._taken(scope, receive, send, "status"):
            await reply(send, 204)

    async def inbound(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A message somebody wrote. The answer says nothing: what there is to say to STOP and HELP
        is said by Twilio (Advanced Opt-Out) or by the next run."""
        if await self._taken(scope, receive, send, "inbound"):
            await reply(send, 200, _TWIML, _XML)

    async def _taken(self, scope: Scope, receive: Receive, send: Send, kind: str) -> bool:
        site, sender = self._site, scope["path_params"]["sender"]
        validator = self._validators.get(sender)
        body = await read_body(scope, receive, site.web.body_limit)
        form = _form(body) if validator is not None else None
        if form is None or not self._signed(validator, scope, form):
            await site.refuse(scope, send, 403, "forged")
            return False
        content = orjson.dumps({"path": scope["path"], "form": form})
        await site.intake.put(Event(f"twilio:{sender}", kind, content, site.clock()))
        site.tally.add(kind)
        return True

    def _signed(self, validator: Any, scope: Scope, form: Form) -> bool:
        asked = self._site.public.signed(scope["raw_path"], scope["query_string"])
        fields: dict[str, str] = dict(form)
        if len(fields) != len(form):
            fields = Fields(form)
        return bool(validator.validate(asked, fields, header(scope, b"x-twilio-signature")))


def _form(body: bytes) -> Form | None:
    """The fields of a form; None where it is none."""
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS
        )
    except ValueError:  # not ASCII, not UTF-8 behind %, too many fields
        return None
