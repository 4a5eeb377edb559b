"""How fast each sender may send, as config.toml says."""

from datetime import time
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from outreach.core.campaign import Written
from outreach.core.rate import Ask, Limit, Limits, RampUp

PerSecond = Annotated[
    float, Field(gt=0, le=100_000, description="Messages a second, of all workers together.")
]
PerDay = Annotated[int, Field(ge=1, description="Messages a day on the firm's clock.")]
Prefix = Annotated[str, Field(pattern=r"^\+\d{1,7}$")]


# How fast a sender goes: it may change without any run or approval being concerned.
PACE: Final = {"per_second", "per_day", "between", "ramp_up"}
NO_POLICY: Final = ("database", "paths", "engine", "clients", "departments", "accounts")


class RampingUp(Written):
    days: int = Field(ge=2, le=365, description="Until per_day is reached.")
    share: float = Field(gt=0, lt=1, description="Of per_day, on the first day of use.")


class Shared(Written):
    """What the senders of one account share."""

    per_second: PerSecond | None = None
    per_day: PerDay | None = None

    def limit(self) -> Limit:
        return Limit(self.per_second, self.per_day)


class Paced(Written):
    """What limits a sender. Without any of it, it is as fast as it can be."""

    per_second: PerSecond | None = None
    per_day: PerDay | None = None
    between: tuple[time, time] | None = Field(
        None, description="Of the firm's day: it sends at no other hour."
    )
    ramp_up: RampingUp | None = Field(None, description="A new sender that works up to per_day.")
    account: str = Field("", description="Senders of one account share [accounts.NAME].")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.ramp_up is not None and self.per_day is None:
            raise ValueError("ramp_up: has nothing to work up to, write per_day beside it")
        if self.between is not None and self.between[0] >= self.between[1]:
            raise ValueError(
                "between: ends before it begins, write the earlier time first, as in"
                " [09:00:00, 21:00:00]"
            )
        return self

    def limit(self) -> Limit:
        ramp = RampUp(self.ramp_up.days, self.ramp_up.share) if self.ramp_up else None
        return Limit(self.per_second, self.per_day, self.between, ramp)


class PacedSms(Paced):
    countries: dict[Prefix, Shared] = Field(
        default_factory=dict, description="Phone prefix = limits of its own."
    )


def limits(name: str, sender: Any, accounts: dict[str, Shared]) -> Limits:
    """What limits a sender: its own keys, its account's, its countries'."""
    if not isinstance(sender, Paced):
        return Limits(name)
    countries = sender.countries if isinstance(sender, PacedSms) else {}
    shared = accounts.get(sender.account)
    account = Ask(f"account {sender.account}", shared.limit()) if shared else None
    return Limits(
        name, sender.limit(), account, {prefix: one.limit() for prefix, one in countries.items()}
    )
