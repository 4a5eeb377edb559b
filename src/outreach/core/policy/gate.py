"""What a gate is: one rule with its words, the facts it looks at and the purposes it applies to."""

from collections.abc import Callable
from typing import Final, NamedTuple

from outreach.core.model import Facts, Verdict
from outreach.core.words import Channel, Purpose, Sentence


class Gate(NamedTuple):
    """One rule of the policy. `name` is the file's name and stands in records and in `explain`."""

    name: str
    rule: Callable[[Facts], Verdict]
    says: Callable[[Facts], Sentence]
    saw: Callable[[Facts], dict[str, object]]
    purposes: frozenset[Purpose]


EVERY: Final = frozenset(Purpose)
# What the law obliges the firm to tell, no wish of the client and no rule on offers can stop.
NOT_REGULATORY: Final = EVERY - {Purpose.REGULATORY}

CHANNEL_WORDS: Final = {
    Channel.SMS: Sentence("SMS", "短信"),
    Channel.EMAIL: Sentence("e-mail", "电子邮件"),
}
