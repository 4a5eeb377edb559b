"""The event of its clients that a run came after, or comes before: what happens, and when."""

from datetime import date, timedelta
from typing import NamedTuple

from outreach.core.campaign import AfterClientEvent, Campaign
from outreach.core.values import CLIENT_VALUES
from outreach.core.words import Sentence


class ClientEvent(NamedTuple):
    """A date of the clients a run is for, and how it lies to the day of the run."""

    field: str
    on: date
    day: date  # of the run
    days: int  # from the event to the run; negative: the event is still to come

    @property
    def sentence(self) -> Sentence:
        words, n = CLIENT_VALUES[self.field].words, abs(self.days)
        if not self.days:
            return Sentence(f"{words.en} {self.on}, the day itself", f"{words.zh} {self.on}，当日")
        en = "before" if self.days > 0 else "after"
        zh = "前" if self.days > 0 else "后"
        unit = "day" if n == 1 else "days"
        return Sentence(
            f"{words.en} {self.on}, {n} {unit} {en} {self.day}",
            f"{words.zh} {self.on}，即 {self.day} {zh} {n} 天",
        )


def client_event(campaign: Campaign, day: date | None) -> ClientEvent | None:
    """The event of a run for the clients of a day; None for a run of another kind."""
    schedule = campaign.schedule
    if day is None or not isinstance(schedule, AfterClientEvent):
        return None
    on = day - timedelta(days=schedule.days)
    return ClientEvent(schedule.event, on, day, schedule.days)
