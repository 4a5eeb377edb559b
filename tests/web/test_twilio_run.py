"""A run over Twilio, and what comes back: a stand-in takes the messages and calls back, signed."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from outreach import dispatch
from outreach.channels import ChannelUnavailable
from outreach.channels.twilio_sms import TwilioSms
from outreach.core.words import State
from outreach.project.config import Config
from outreach.store import consent, replies
from outreach.store.database import Database
from outreach.verify import verify
from tests.channels.test_twilio_sms import stand_in, taken
from tests.small_run import KEY, LEASE, SmallRun, client, definition
from tests.store.client_book import add
from tests.web.door import PUBLIC, TOKEN, Door, door_of

FILE = 'kind = "file"\nchannel = "sms"\naddress = "95000"\n'
TWILIO = (
    'kind = "twilio_sms"\naddress = "+15005550006"\naccount = "AC0"\n'
    f'receipts_url = "{PUBLIC}/twilio/sms-file/status"\n'
)
SENDER = "[senders.sms-file]\n"
ROUTES = '[[routes]]\nchannel = "sms"'


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Abroad:
    """A run to clients in Hong Kong over Twilio, with the door open that Twilio reports to."""

    def __init__(self, small: SmallRun, door: Door) -> None:
        self.small, self.door = small, door
        self.calls: dict[int, str] = {}  # client -> path of its callback

    def adapter(self, base_url: str) -> TwilioSms:
        return TwilioSms(
            account="AC" + "0" * 32, token=TOKEN, address="+15005550006", base_url=base_url,
            receipts_url=f"{PUBLIC}/twilio/sms-file/status", timeout=5.0,
        )  # fmt: skip

    def send(self, adapter: TwilioSms) -> None:
        small = self.small
        sending = dispatch.Sending(
            small.database, lambda _: adapter, ChannelUnavailable, KEY, "a", small.clock, 64, LEASE
        )
        dispatch.drain(sending, small.run_id, dispatch.Tally())

    def note(self, form: dict[str, str]) -> int:
        """Keep where the callbacks of a message go; its client."""
        number = int(form["To"][-4:])
        self.calls[number] = form["StatusCallback"].removeprefix(PUBLIC)
        return number

    def says(self, number: int, status: str, code: str = "", **more: Any) -> int:
        """A callback about a client's message; the answer's status."""
        form = {
            "MessageSid": "SM" + str(number).zfill(32), "MessageStatus": status,
            "To": phone(number), "From": "+15005550006", "AccountSid": "AC" + "0" * 32,
            **({"ErrorCode": code} if code else {}),
        }  # fmt: skip
        return self.door.twilio(self.calls[number], form, **more).status

    def writes(self, number: int, text: str, **more: str) -> int:
        form = {"MessageSid": f"SM{number}", "From": phone(number), "To": "+15005550006",
                "Body": text, **more}  # fmt: skip
        return self.door.twilio("/twilio/sms-file/inbound", form).status

    def later(self, seconds: int = 60) -> None:
        """What waits for something has its next turn."""
        self.small.now += timedelta(seconds=seconds)
        self.door.clock[0] = self.small.now
        self.door.applied()

    def states(self) -> dict[int, State]:
        """By client: the state of its message."""
        by_message = self.small.states()
        return {
            number: by_message[int(path.rpartition("/")[2])] for number, path in self.calls.items()
        }


def phone(number: int) -> str:
    return f"+8525555{number:04}"


@pytest.fixture
def abroad(tmp_path: Path, database: Database) -> Iterator[Abroad]:
    """Eight clients, a planned run."""
    facts = {"phone_country": "HK", "country": "HK", "zone": "Asia/Hong_Kong"}
    with database.begin() as tx:
        add(tx, [client(n, phone=phone(n), email=None, **facts) for n in range(1, 9)])
    web = f'[web]\npublic_url = "{PUBLIC}"\nrequests_per_second = 1000\n\n{ROUTES}'
    made = definition(
        tmp_path / "project", ("config.toml", FILE, TWILIO), ("config.toml", ROUTES, web)
    )
    config = made.config
    assert isinstance(config, Config)
    small = SmallRun(database, made)
    small.plan()
    with door_of(config, tmp_path / "project", database, "sms-file") as door:
        door.clock[0] = small.now
        yield Abroad(small, door)


def test_every_message_ends_as_twilio_says_whatever_the_order(abroad: Abroad) -> None:
    def answer(form: dict[str, str]) -> tuple[int, Any] | None:
        number = abroad.note(form)
        if number == 7:  # reported before the request that sends it is answered
            assert abroad.says(7, "delivered") == 204
        return None if number == 6 else taken(form)  # taken, and the line cut

    with stand_in(answer) as server:
        adapter = abroad.adapter(f"http://127.0.0.1:{server.server_address[1]}")
        abroad.send(adapter)
        adapter.close()
    assert abroad.states()[6] is State.IN_DOUBT
    told = [
        (1, "sent", ""), (1, "delivered", ""),
        (2, "sent", ""), (2, "undelivered", "30003"),
        (3, "delivered", ""), (3, "sent", ""), (3, "delivered", ""), (3, "queued", ""),
        (4, "failed", "30008"), (4, "delivered", ""),
        (6, "sent", ""),
    ]  # fmt: skip
    assert [abroad.says(*one) for one in told] == [204] * len(told)
    assert abroad.says(5, "delivered", public="https://evil.example.com") == 403
    abroad.later()

    assert abroad.states() == {
        1: State.DELIVERED, 2: State.UNDELIVERED, 3: State.DELIVERED, 4: State.DELIVERED,
        5: State.ACCEPTED, 6: State.ACCEPTED, 7: State.DELIVERED, 8: State.ACCEPTED,
    }  # fmt: skip
    assert abroad.small.tally() == {state: n for state, n in abroad.small.counts().items() if n}
    assert len(server.forms) == 8
    assert max(Counter(form["To"] for form in server.forms).values()) == 1
    assert verify(abroad.small.database).ok


def test_all_callbacks_once_more_change_nothing(abroad: Abroad) -> None:
    def answer(form: dict[str, str]) -> tuple[int, Any]:
        abroad.note(form)
        return taken(form)

    with stand_in(answer) as server:
        adapter = abroad.adapter(f"http://127.0.0.1:{server.server_address[1]}")
        abroad.send(adapter)
        adapter.close()
    told = [(number, status) for number in range(1, 9) for status in ("sent", "delivered")]
    for _ in range(2):
        assert [abroad.says(*one) for one in told] == [204] * len(told)
        abroad.later()
        before = abroad.small.counts()
    assert before == {"delivered": 8}
    assert len(abroad.door.events()) == len(told)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        pytest.param("Stop.", {}, id="STOP"),
        pytest.param(" 退订！", {}, id="in Chinese"),
        pytest.param("ARRET", {"OptOutType": "STOP"}, id="recognised by Twilio"),
    ],
)
def test_stop_withdraws_at_once_and_stops_what_is_queued(
    abroad: Abroad, text: str, more: dict[str, str]
) -> None:
    assert abroad.writes(3, text, **more) == 200
    assert abroad.writes(3, text, **more) == 200  # delivered twice
    abroad.door.applied()

    with stand_in(lambda form: (abroad.note(form), taken(form))[1]) as server:
        adapter = abroad.adapter(f"http://127.0.0.1:{server.server_address[1]}")
        abroad.send(adapter)
        adapter.close()

    assert phone(3) not in {form["To"] for form in server.forms}
    assert abroad.small.counts() == {"accepted": 7, "suppressed": 1}
    with abroad.small.database.reading() as conn:
        (event,) = consent.events_of(conn, [3])[3]
    assert (event.channel, event.purpose, event.action, event.source) == (
        "sms", None, "withdraw", "sms_mo",
    )  # fmt: skip


def test_a_cry_for_help_is_shown_to_a_person_and_answered_by_nobody_but_twilio(
    abroad: Abroad,
) -> None:
    """What Advanced Opt-Out has recognised it has answered already."""
    form = {"MessageSid": "SM9", "From": phone(3), "To": "+15005550006", "Body": "aide",
            "OptOutType": "HELP"}  # fmt: skip
    answer = abroad.door.twilio("/twilio/sms-file/inbound", form)
    abroad.door.applied()

    assert answer.body == b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
    with abroad.small.database.reading() as conn:
        (found,) = replies.listed(conn)
        assert consent.events_of(conn, [3]) == {}
    assert (found.intent, found.made, found.open, found.clients) == ("help", "nothing", True, 1)
