"""A whole run through an SMS gateway on its bad days; the gateway's own list is the witness."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from outreach import dispatch
from outreach.channels import ChannelUnavailable
from outreach.channels.sms_gateway_http import SmsGatewayHttp, profile_of
from outreach.core.words import State
from outreach.store.database import Database
from tests.channels.gateway import ACCOUNT, SECRET, Asked, gateway
from tests.small_run import KEY, LEASE, SmallRun, client, opened

CLIENTS = 24
APPROVED = {
    "aliyun": {"SMS_1": "尊敬的客户：${topic}，详询${hotline}。"},
    "tencent": {"1110": "尊敬的客户：{1}，详询{2}。"},
    "direct": {},
}
TEXT = "【示例证券】尊敬的客户：系统升级，详询95000。"
LATER = {"aliyun": "isv.BUSINESS_LIMIT_CONTROL", "tencent": "RequestLimitExceeded", "direct": "2"}
BAD_DAYS = ("taken_500", "taken_cut", "cut", (502, b"bad gateway"), (200, b"ok"), (429, b""))


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def sending(small: SmallRun, adapter: SmsGatewayHttp) -> dispatch.Sending:
    return dispatch.Sending(
        small.database, lambda _: adapter, ChannelUnavailable, KEY, "a", small.clock, 2, LEASE
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["aliyun", "tencent", "direct"])
def test_whatever_the_gateway_does_nothing_is_lost_and_nothing_sent_twice(
    kind: str, seed: int, database: Database, tmp_path: Path
) -> None:
    small = opened(database, tmp_path / "project", [client(n) for n in range(1, CLIENTS + 1)])
    small.plan()
    dice = Random(seed)  # noqa: S311

    def script(asked: Asked) -> Any:
        return dice.choice((*BAD_DAYS, LATER[kind], *[None] * 6))

    with gateway(kind, APPROVED[kind], script) as server:
        adapter = SmsGatewayHttp(
            profile_of(kind), account=ACCOUNT, secret=SECRET, base_url=server.url, app="1",
            signatures=["示例证券"], templates=APPROVED[kind], timeout=5.0,
        )  # fmt: skip
        for _ in range(40):
            dispatch.drain(sending(small, adapter), small.run_id, dispatch.Tally())
            small.now += timedelta(minutes=20)
            if State.READY not in small.states().values():
                break
        adapter.close()

        assert server.signed_wrong == []
        taken = Counter(one.number[-4:] for one in server.taken)
        assert {one.text for one in server.taken} == {TEXT}
    assert max(taken.values()) == 1
    states = Counter(small.states().values())
    assert states[State.READY] == 0
    assert states[State.ACCEPTED]
    assert states[State.IN_DOUBT]
    assert sum(states.values()) == CLIENTS
    # Whatever was accepted went out, and whatever went out was accepted or is flagged.
    assert states[State.ACCEPTED] <= len(taken)
    assert len(taken) <= states[State.ACCEPTED] + states[State.IN_DOUBT]
