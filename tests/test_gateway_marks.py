"""A gateway's receipts find their messages by our mark, also those whose sender died."""

from datetime import timedelta
from pathlib import Path

from outreach import dispatch, receive
from outreach.channels import ChannelUnavailable
from outreach.channels.sms_gateway_http import SmsGatewayHttp, profile_of
from outreach.core.words import State
from outreach.receive.events import pulled
from outreach.store.database import Database
from outreach.store.tables import message
from outreach.verify import verify
from tests.channels.gateway import ACCOUNT, SECRET, gateway
from tests.small_run import KEY, LEASE, client, opened

TEMPLATES = {"1110": "尊敬的客户：{1}，详询{2}。"}


def test_a_receipt_settles_the_doubt_about_a_message_whose_answer_never_came(
    database: Database, tmp_path: Path
) -> None:
    small = opened(database, tmp_path / "project", [client(n) for n in range(1, 5)])
    small.plan()
    name = next(iter(small.gateways))
    with gateway("tencent", TEMPLATES, lambda _: "taken_cut") as server:
        adapter = SmsGatewayHttp(
            profile_of("tencent"), account=ACCOUNT, secret=SECRET, base_url=server.url, app="1",
            signatures=["示例证券"], templates=TEMPLATES, timeout=5.0,
        )  # fmt: skip
        sending = dispatch.Sending(
            database, lambda _: adapter, ChannelUnavailable, KEY, "a", small.clock, 10, LEASE
        )
        dispatch.drain(sending, small.run_id, dispatch.Tally())
        assert set(small.states().values()) == {State.IN_DOUBT}

        server.pulls["PullSmsSendStatus"] = {"Response": {"PullSmsSendStatusSet": [
            {"PhoneNumber": one.number, "SerialNo": f"5000:{one.number}", "ReportStatus": status,
             "Description": "DELIVRD", "UserReceiveTime": 1790582400, "SessionContext": one.mark}
            for one, status in zip(server.taken, ("SUCCESS", "FAIL", "SUCCESS"), strict=False)
        ]}}  # fmt: skip
        server.pulls["PullSmsReplyStatus"] = {"Response": {"PullSmsReplyStatusSet": []}}
        small.now += timedelta(minutes=1)
        events = [pulled(name, one, small.now) for one in adapter.pull(small.now)]
        adapter.close()
    receive.take_in(database, events)
    applied = receive.apply(database, {}, small.clock)

    assert (applied.receipts, applied.aside) == (3, 0)
    with database.reading() as conn:
        rows = conn.execute(message.select()).all()
    states = small.states()
    became = {row.address: states[row.id] for row in rows}
    assert [became[one.number] for one in server.taken] == [
        State.DELIVERED, State.UNDELIVERED, State.DELIVERED, State.IN_DOUBT,
    ]  # fmt: skip
    assert verify(database).ok
