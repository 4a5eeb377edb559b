"""Requests from a profile: its fields filled with the values of one call, and signed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from outreach.core.gateway.approved import Filled
from outreach.core.gateway.marks import mark_of
from outreach.core.gateway.profile import Call, Profile
from outreach.core.gateway.signing import (
    BEIJING,
    Key,
    Unsigned,
    acs3,
    compact,
    digest_of,
    encoded,
    tc3,
)
from outreach.core.model import Message

_SLOT: Final = re.compile(r"\{(\w+)(?::(json|comma))?\}")


class Request(NamedTuple):
    """What goes over the wire."""

    method: str
    target: str  # path and query
    headers: dict[str, str]
    content: bytes


class Letter(NamedTuple):
    """A message as this gateway is to send it."""

    message: Message
    number: str  # as the gateway writes it
    signature: str
    filled: Filled  # without a template where the whole text goes


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks a gateway, and where: what is the same for every request of a sender."""

    profile: Profile
    key: Key
    host: str
    base_path: str = ""
    app: str = ""
    sender_id: str = ""
    extend: str = ""

    def request(self, call: Call, at: datetime, nonce: str, **values: Any) -> Request:
        """One call, filled and signed for this moment."""
        moment = at.astimezone(BEIJING)
        known = {
            "account": self.key.account,
            "app": self.app,
            "sender_id": self.sender_id,
            "extend": self.extend,
            "nonce": nonce,
            "epoch": str(int(at.timestamp())),
            "epoch_ms": str(int(at.timestamp() * 1000)),
            "stamp": moment.strftime("%Y%m%d%H%M%S"),
            "day": moment.strftime("%Y%m%d"),
            **values,
        }
        signing = self.profile.signing
        if signing.field:
            over = tuple(
                str(_value(one, {**known, "secret": self.key.secret})) for one in signing.over
            )
            known["sign"] = digest_of(signing.kind, over, self.key.secret)
        query = {name: str(value) for name, value in _fields(call.query, known).items()}
        headers, content = _content(call, known)
        path = self.base_path + call.path
        headers["host"] = self.host
        unsigned = Unsigned(call.method, path, query, headers, content)
        if signing.kind == "acs3":
            headers = acs3(
                unsigned, self.key, action=call.action, version=signing.version, at=at, nonce=nonce
            )
        elif signing.kind == "tc3":
            headers = tc3(
                unsigned, self.key, action=call.action, version=signing.version,
                service=signing.service, region=signing.region, at=at,
            )  # fmt: skip
        target = f"{path}?{encoded(query)}" if query else path
        return Request(call.method, target, headers, content)

    def send(self, letters: list[Letter], at: datetime, nonce: str) -> Request:
        """The request that hands these letters over; they share what the profile says they must."""
        first = letters[0]
        return self.request(
            self.profile.send,
            at,
            nonce,
            mark=mark_of(first.message.run_id, [letter.message.id for letter in letters]),
            numbers=[letter.number for letter in letters],
            number=first.number,
            signatures=[letter.signature for letter in letters],
            signature=first.signature,
            template=first.filled.template,
            variables=[letter.filled.variables for letter in letters],
            values=_in_order(first.filled.variables),
            texts=[letter.message.parts[0] for letter in letters],
            text=first.message.parts[0],
            extends=[self.extend] * len(letters) if self.extend else [],
        )


def written_number(number: str, profile: Profile) -> str:
    """A number in E.164 as the gateway wants it."""
    return number.removeprefix("+86") if profile.numbers == "national" else number


def read_number(number: str) -> str:
    """E.164 of a number however a gateway writes it: +86..., 0086..., 86..., 13800138000."""
    digits = re.sub(r"\D", "", number).removeprefix("00")
    if len(digits) == 11 and digits.startswith("1") and not number.startswith("+"):
        return f"+86{digits}"
    return f"+{digits}"


def _in_order(variables: dict[str, str]) -> list[str]:
    """Numbered variables by their number; named ones as the template has them."""
    names = list(variables)
    if all(name.isdigit() for name in names):
        names.sort(key=int)
    return [variables[name] for name in names]


def _content(call: Call, known: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    if call.body:
        text = compact(_fields(call.body, known))
        return {"content-type": "application/json; charset=utf-8"}, text.encode()
    if call.form:
        form = {name: str(value) for name, value in _fields(call.form, known).items()}
        return {"content-type": "application/x-www-form-urlencoded"}, encoded(form).encode()
    return {}, b""


def _fields(written: Mapping[str, str | int], known: Mapping[str, Any]) -> dict[str, Any]:
    filled = {name: _value(value, known) for name, value in written.items()}
    return {name: value for name, value in filled.items() if value not in ("", [])}


def _value(written: str | int, known: Mapping[str, Any]) -> Any:
    """A field's value: a lone slot keeps its type, slots within a text become text."""
    if isinstance(written, int):
        return written
    if lone := _SLOT.fullmatch(written):
        return _shaped(known[lone[1]], lone[2])
    return _SLOT.sub(lambda slot: str(_shaped(known[slot[1]], slot[2])), written)


def _shaped(value: Any, shape: str | None) -> Any:
    if shape == "comma":
        return ",".join(value)
    return compact(value) if shape == "json" and value else value
