"""SMS over SMPP against a second message centre nobody here wrote: the npm package smpp.

It runs where node is, and NODE_PATH names a folder that has the package (`npm install smpp`).
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from outreach.channels import Adapter
from outreach.channels.smpp import Habits, SmppChannel
from outreach.channels.smpp_session import Centre as Where
from outreach.core.smpp import read_short
from outreach.core.smpp_said import receipt
from outreach.core.words import State
from tests.channels.cases import CASES, results, sms

SCRIPT = Path(__file__).with_name("centre.cjs")
LONG = "【示例证券】" + "国庆节期间休市安排如下，" * 12 + "详询95000。"
NOW = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)


def _installed() -> bool:
    node = shutil.which("node")
    asked = [node or "", "-e", "require('smpp')"]
    return bool(node) and subprocess.run(asked, capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not _installed(), reason="node or its package smpp is missing")


class Centre:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["node", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._line())

    def taken(self) -> list[dict[str, Any]]:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return list(json.loads(self._line()))

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture
def centre() -> Iterator[Centre]:
    opened = Centre()
    yield opened
    opened.process.communicate()


@pytest.mark.parametrize("shared", CASES, ids=lambda shared: shared.__name__)
def test_shared_case(shared: Callable[[Adapter], None], centre: Centre) -> None:
    channel = SmppChannel(Where("127.0.0.1", centre.port, "outreach", "secret"), address="95000")
    shared(channel)
    channel.close()


@pytest.mark.parametrize("long", ["udh", "payload"])
def test_texts_arrive_whole_with_their_end_and_receipts_come_back(
    long: Any, centre: Centre
) -> None:
    heard: list[bytes] = []
    two = threading.Event()

    def hear(bodies: Sequence[bytes]) -> None:
        heard.extend(bodies)
        if len(heard) >= 2:
            two.set()

    where = Where("127.0.0.1", centre.port, "outreach", "secret")
    until = datetime.now(UTC) + timedelta(hours=2)
    channel = SmppChannel(where, address="95000", habits=Habits(long=long), heard=hear)
    letters = [sms(1, LONG)._replace(expires_at=until), sms(2, "[ExampleSec] back @ 10:00 {HK}")]
    found = results(channel, letters)
    assert two.wait(10)
    channel.close()

    taken = centre.taken()
    of_first = [one for one in taken if one["to"].endswith("0001")]
    (of_second,) = [one for one in taken if one["to"].endswith("0002")]
    assert "".join(one["text"] + one["payload"] for one in of_first) == LONG
    assert [one["headed"] for one in of_first] == ([True] * 3 if long == "udh" else [False])
    assert of_second["text"] == "[ExampleSec] back @ 10:00 {HK}"
    assert (of_first[0]["coding"], of_second["coding"]) == (8, 0)
    ends = datetime.fromisoformat(of_first[0]["until"])
    assert abs(ends - until) < timedelta(minutes=1)
    said = [receipt(read_short(body), NOW, "e164", "same") for body in heard]
    assert {one.reference for one in said if one and one.state is State.DELIVERED} == {
        one.provider_ref for one in found.values()
    }
