"""Senders of config.toml beyond mail servers and SMS: the firm's push service, other packages'."""

from typing import Literal

from pydantic import Field

from outreach.core.words import Channel
from outreach.project.rate_config import Paced, PacedSms


class WebhookSender(Paced):
    """App notifications through the firm's push service. Secret: OUTREACH_SECRET_<SENDER>."""

    kind: Literal["webhook"]
    channel: Literal[Channel.PUSH] = Channel.PUSH
    url: str = Field(description="https address that takes a signed POST (Standard Webhooks).")
    address: str = Field("", description="Not used: the app is the sender.")
    deduplicates: bool = Field(
        False, description="The service takes a webhook-id once: ask again when no answer came."
    )
    connections: int = Field(8, ge=1, le=64, description="Requests at once.")
    timeout: float = Field(10.0, gt=0, description="Seconds for one answer.")
    ca_file: str | None = Field(None, description="PEM file to trust instead of the system's.")


class PluginSender(PacedSms):
    """A channel that another installed package brings. Secret: OUTREACH_SECRET_<SENDER>."""

    kind: Literal["plugin"]
    name: str = Field(min_length=1, description="Its entry point in the group outreach.channels.")
    channel: Channel
    address: str = Field("", description="What clients see as the sender.")
    settings: dict[str, str | int | float | bool | list[str]] = Field(
        default_factory=dict, description="Whatever the package asks for."
    )
