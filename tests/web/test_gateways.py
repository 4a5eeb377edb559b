"""Pushes of mainland gateways: a path nobody can guess, stored as they came, answered their way."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from outreach import dispatch
from outreach.channels import ChannelUnavailable
from outreach.channels.sms_gateway_http import SmsGatewayHttp, profile_of
from outreach.core.gateway.push import push_token
from outreach.core.receipt import Receipt, Reply
from outreach.core.words import State
from outreach.receive import Event, reader_of
from outreach.store.database import Database
from outreach.store.tables import message, outcome
from outreach.web.gateway import push_url
from outreach.web.readers import readers
from tests.channels.gateway import ACCOUNT, SECRET, gateway
from tests.small_run import KEY as LINK_KEY
from tests.small_run import LEASE, SmallRun, client, definition
from tests.store import client_book
from tests.test_gateway_run import APPROVED
from tests.web.door import KEY, NOW, PUBLIC, SENDERS, Door, config_of, door_of, open_door

# https://help.aliyun.com/zh/sms/developer-reference/smsreport-2
REPORT = [
    {
        "phone_number": "13800000001", "send_time": "2026-09-28 15:29:58",
        "report_time": "2026-09-28 15:30:00", "success": True, "err_code": "DELIVERED",
        "err_msg": "用户接收成功", "sms_size": "1", "biz_id": "932702304080415357^0",
        "out_id": "12-340",
    },
    {
        "phone_number": "13800000002", "send_time": "2026-09-28 15:29:58",
        "report_time": "2026-09-28 15:30:01", "success": False, "err_code": "UNDELIV",
        "err_msg": "", "sms_size": "1", "biz_id": "932702304080415357^0", "out_id": "12-340",
    },
]  # fmt: skip
UP = [
    {
        "phone_number": "13800000001", "send_time": "2026-09-28 15:31:00", "content": "退订",
        "sign_name": "示例证券", "dest_code": "1234", "sequence_id": 1234567890,
    }
]  # fmt: skip
# https://www.tencentcloud.com/document/product/382/43547 and 43548
TENCENT = [
    {
        "user_receive_time": "2026-09-28 15:30:00", "nationcode": "86", "mobile": "13800000001",
        "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "短信送达成功",
        "sid": "5000:1045710669157053657",
    }
]  # fmt: skip
TENCENT_UP = {
    "extend": "扩展码", "mobile": "13800000001", "nationcode": "86", "sign": "短信签名",
    "text": "TD", "time": 1790580660,
}  # fmt: skip
AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
FILE = 'kind = "file"\nchannel = "sms"\naddress = "95000"\n'
PATH = push_url("", KEY, "mainland", "status")


@pytest.fixture
def door(tmp_path: Path, sqlite: Database) -> Iterator[Door]:
    with open_door(tmp_path, sqlite, "requests_per_second = 1000") as opened:
        yield opened


def read(tmp_path: Path, profile: str, kind: str, content: object) -> list[object]:
    """What a push says, by the readers of a config whose gateway has a profile."""
    config = config_of(tmp_path, senders=SENDERS.replace('"aliyun"', f'"{profile}"'))
    event = Event("gateway:mainland", kind, json.dumps(content).encode(), NOW)
    reader = reader_of(readers(config, tmp_path), event.source)
    assert reader is not None
    return list(reader(event))


def test_a_push_is_stored_as_it_came_and_answered_as_the_gateway_wants(door: Door) -> None:
    answer = door.ask("POST", PATH, json.dumps(REPORT), Content_Type="application/json")

    assert (answer.status, json.loads(answer.text)) == (200, {"code": 0, "msg": "OK"})
    assert door.events() == [("gateway:mainland", "status", REPORT)]


def test_the_same_push_again_is_stored_once(door: Door) -> None:
    assert [door.ask("POST", PATH, json.dumps(REPORT)).status for _ in range(2)] == [200, 200]
    assert len(door.events()) == 1


def test_who_does_not_know_the_path_is_refused(door: Door) -> None:
    token = push_token(KEY, "mainland")
    theirs = push_token(bytes(32), "mainland")
    for one in (push_token(KEY, "abroad"), theirs, token[:-1], token.lower(), "x"):
        assert door.ask("POST", PATH.replace(token, one), json.dumps(REPORT)).status == 404, one
    for other in (PATH.replace("mainland", "abroad"), PATH.replace("status", "other")):
        assert door.ask("POST", other, json.dumps(REPORT)).status == 404, other
    assert door.events() == []


def test_a_console_that_tries_the_address_is_answered_and_nothing_is_stored(door: Door) -> None:
    assert [door.ask("POST", PATH, body).status for body in ("", "[]", "{}")] == [200] * 3
    assert door.events() == []


def test_a_push_from_elsewhere_than_the_list_says_is_refused(
    tmp_path: Path, sqlite: Database
) -> None:
    senders = SENDERS + 'push_from = ["203.0.113.0/24"]\n'
    with open_door(tmp_path, sqlite, senders=senders) as door:
        body = json.dumps(REPORT)
        assert door.ask("POST", PATH, body).status == 404
        assert door.ask("POST", PATH, body, X_Forwarded_For="198.51.100.1").status == 404
        assert door.ask("POST", PATH, body, X_Forwarded_For="203.0.113.7").status == 200


def test_what_cannot_be_read_is_kept_for_a_person(door: Door) -> None:
    assert door.ask("POST", PATH, b"\xff\xfe no JSON").status == 200
    door.until(lambda: ("events_set_aside", {"n": 1}) in door.said)


def test_reports_of_aliyun_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, "aliyun", "status", REPORT) == [
        Receipt(State.DELIVERED, AT, reference="932702304080415357^0",
                address="+8613800000001", code="DELIVERED", among=(340, 5340)),
        Receipt(State.UNDELIVERED, AT.replace(second=1), reference="932702304080415357^0",
                address="+8613800000002", code="UNDELIV", among=(340, 5340)),
    ]  # fmt: skip


def test_reports_of_tencent_are_read(tmp_path: Path) -> None:
    assert read(tmp_path, "tencent", "status", TENCENT) == [
        Receipt(State.DELIVERED, AT, reference="5000:1045710669157053657",
                address="+8613800000001", code="DELIVRD"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "content", "text"), [("aliyun", UP, "退订"), ("tencent", TENCENT_UP, "TD")]
)
def test_replies_are_read(tmp_path: Path, profile: str, content: object, text: str) -> None:
    assert read(tmp_path, profile, "inbound", content) == [
        Reply("95000", "+8613800000001", text, AT.replace(minute=31))
    ]


@pytest.mark.parametrize("content", [[{}], ["x"], [None], 7, {"a": [1]}])
def test_a_push_of_another_shape_is_not_read_as_if_it_were_empty(
    tmp_path: Path, content: object
) -> None:
    with pytest.raises(ValueError, match=r"entries|list"):
        read(tmp_path, "aliyun", "status", content)


def test_the_path_holds_neither_the_key_nor_the_name_in_clear() -> None:
    assert push_url(PUBLIC, KEY, "mainland", "status").startswith(f"{PUBLIC}/gateway/mainland/")
    assert len(push_token(KEY, "mainland")) == 24


@pytest.mark.parametrize("kind", ["aliyun", "tencent"])
def test_a_push_moves_the_messages_of_a_run(
    kind: str, tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sender = (
        f'kind = "sms_gateway_http"\naddress = "95000"\nprofile = "{kind}"\naccount = "1"\n'
        f'app = "1"\n\n[web]\npublic_url = "{PUBLIC}"\n'
    )
    with database.begin() as tx:
        client_book.add(tx, [client(n) for n in range(1, 4)])
    made = definition(tmp_path / "project", ("config.toml", FILE, sender))
    small = SmallRun(database, made)
    small.plan()
    with gateway(kind, APPROVED[kind]) as server:
        adapter = SmsGatewayHttp(
            profile_of(kind), account=ACCOUNT, secret=SECRET, base_url=server.url, app="1",
            signatures=["示例证券"], templates=APPROVED[kind], timeout=5.0,
        )  # fmt: skip
        sending = dispatch.Sending(
            database, lambda _: adapter, ChannelUnavailable, LINK_KEY, "a", small.clock, 9, LEASE
        )
        dispatch.drain(sending, small.run_id, dispatch.Tally())
        adapter.close()
    with database.reading() as conn:
        numbers = {row.address: row.id for row in conn.execute(select(message))}
        references = {row.message_id: row.provider_ref for row in conn.execute(select(outcome))}
    first, second, _ = numbers
    marks = {taken.number[-4:]: taken.mark for taken in server.taken}
    pushed = {
        "aliyun": [
            {**REPORT[0], "phone_number": number.removeprefix("+86"), "success": good,
             "biz_id": references[numbers[number]], "out_id": marks[number[-4:]]}
            for number, good in ((first, True), (second, False))
        ],
        "tencent": [
            {**TENCENT[0], "mobile": number.removeprefix("+86"), "report_status": said,
             "sid": references[numbers[number]]}
            for number, said in ((first, "SUCCESS"), (second, "FAIL"))
        ],
    }  # fmt: skip
    with door_of(made.config, tmp_path / "project", database) as door:
        door.clock[0] = small.now
        path = push_url("", KEY, "sms-file", "status")
        assert door.ask("POST", path, json.dumps(pushed[kind])).status == 200
        door.applied()

    assert small.counts() == {"accepted": 1, "delivered": 1, "undelivered": 1}
    assert small.states()[numbers[first]] is State.DELIVERED
