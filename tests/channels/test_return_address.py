"""The envelope's return address: each mail has its own, and no mail says it in its content."""

import pytest

from outreach.channels.smtp import SmtpChannel
from outreach.channels.smtp_session import Server
from outreach.core.mime import Letterhead
from outreach.core.verp import Verp
from outreach.core.words import State
from tests.channels.cases import mail, results
from tests.channels.mta import Mta, Taken, running

VERP = Verp("b@bounces.broker.example", b"k" * 32)
OFFERS = [
    pytest.param(("PIPELINING", "8BITMIME", "SIZE 10240000", "SMTPUTF8"), id="pipelined"),
    pytest.param(("SIZE 10240000",), id="stepwise"),
    pytest.param((), id="bare"),
]


@pytest.mark.parametrize("offers", OFFERS)
def test_each_mail_leaves_with_the_address_that_names_it(offers: tuple[str, ...]) -> None:
    taken: list[Taken] = []
    servers: list[Mta] = []

    def make(_number: int) -> Mta:
        servers.append(Mta(*offers, taken=taken))
        return servers[-1]

    messages = [mail(id_) for id_ in (1, 2, 3, 2**40)]
    with running(make) as server:
        letterhead = Letterhead("notice@broker.example", "示例证券", returns=VERP)
        channel = SmtpChannel(Server("127.0.0.1", server.port, "none"), letterhead, connections=1)
        outcomes = results(channel, messages)
        channel.close()
        assert server.faults == []

    assert {outcome.state for outcome in outcomes.values()} == {State.ACCEPTED}
    said = [line for one in servers for line in one.commands if line.startswith("MAIL ")]
    paths = [line.removeprefix("MAIL FROM:<").partition(">")[0] for line in said]
    assert [VERP.read(path) for path in paths] == [message.id for message in messages]
    for line in said:
        rest = line.partition("> ")[2].split()
        assert [one.partition("=")[0] for one in rest] == [
            name for name in ("SIZE", "BODY") if any(offer.startswith(name[:4]) for offer in offers)
            or (name == "BODY" and "8BITMIME" in offers)
        ]  # fmt: skip
    for one in taken:
        assert b"return-path" not in one.content.lower()
        assert b"bounces.broker.example" not in one.content


def test_without_a_mailbox_for_returned_mail_it_is_the_senders_own_address() -> None:
    taken: list[Taken] = []
    servers: list[Mta] = []

    def make(_number: int) -> Mta:
        servers.append(Mta(taken=taken))
        return servers[-1]

    with running(make) as server:
        letterhead = Letterhead("notice@broker.example")
        channel = SmtpChannel(Server("127.0.0.1", server.port, "none"), letterhead, connections=1)
        results(channel, [mail(1)])
        channel.close()

    assert "MAIL FROM:<notice@broker.example>" in servers[0].commands
