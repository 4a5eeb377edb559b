"""What a gate is: one rule with its words, the facts it looks at and the purposes it applies to."""

from collections.abc import Callable
from typing import Final, NamedTuple

from outreach.core.model import CampaignFacts, Facts, Verdict
from outreach.core.words import Channel, Purpose, Sentence


def _every_campaign(campaign: CampaignFacts) -> bool:
    return True


class Gate(NamedTuple):
    """One rule of the policy. `name` is the file's name and stands in records and in `explain`.

    Where `concerns` says no, what the campaign is makes the rule allow whoever the candidate is, so
    it need not be asked a million times.
    """

    name: str
    rule: Callable[[Facts], Verdict]
    says: Callable[[Facts], Sentence]
    saw: Callable[[Facts], dict[str, object]]
    purposes: frozenset[Purpose]
    concerns: Callable[[CampaignFacts], bool] = _every_campaign


EVERY: Final = frozenset(Purpose)
# What the law obliges the firm to tell, no wish of the client and no rule on offers can stop.
NOT_REGULATORY: Final = EVERY - {Purpose.REGULATORY}

CHANNEL_WORDS: Final = {
    Channel.SMS: Sentence("SMS", "短信"),
    Channel.EMAIL: Sentence("e-mail", "电子邮件"),
    Channel.PUSH: Sentence("app notifications", "App 推送"),
}
