"""What stored events of the web say: the readers that `receive.apply` is given."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from outreach.channels.sms_gateway_http import profile_of
from outreach.core import push_report, twilio_form
from outreach.core.gateway.heard import all_heard
from outreach.core.gateway.profile import Profile
from outreach.core.gateway.push import pushed_receipts, pushed_replies
from outreach.core.receipt import Reply, Said
from outreach.project.config import Config, GatewaySender
from outreach.receive import Event, Reader, Readers
from outreach.receive.smpp import smpp_readers


def readers(config: Config, root: Path) -> Readers:
    """Who reads what the senders of a config report."""
    found: dict[str, Reader] = {
        "twilio": read_twilio,
        "push": lambda event: push_report.receipts(event.content, event.received_at),
        **smpp_readers(config),
    }
    for name, sender in config.senders.items():
        if isinstance(sender, GatewaySender):
            profile = profile_of(sender.at(root).profile)
            found[f"gateway:{name}"] = _gateway(profile, sender.address)
    return found


def read_twilio(event: Event) -> Sequence[Said]:
    """{"path": ".../twilio/main/status/17", "form": [["MessageStatus", "sent"], ...]}"""
    content = orjson.loads(event.content)
    form = {str(key): str(value) for key, value in content["form"]}
    said: list[Said | None]
    if event.kind == "inbound":
        said = [twilio_form.inbound(form, event.received_at)]
    else:
        message = int(content["path"].rpartition("/")[2])
        said = [
            twilio_form.status(form, message, event.received_at),
            twilio_form.withdrawal(form, event.received_at),
        ]
    return [one for one in said if one is not None]


def _gateway(profile: Profile, address: str) -> Reader:
    def read(event: Event) -> Sequence[Said]:
        if event.kind == "inbound":
            return [
                Reply(address, one.number, one.text, one.at or event.received_at)
                for one in pushed_replies(profile, event.content)
            ]
        told = pushed_receipts(profile, event.content)
        return list(all_heard(profile, told, address, event.received_at))

    return read
