"""Gateways by their shipped profiles, against a stand-in that checks, renders and fails."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest

from outreach.channels import Adapter, ChannelUnavailable, Pulls, open_channel
from outreach.channels.sms_gateway_http import SmsGatewayHttp, profile_of
from outreach.core import receipt as heard
from outreach.core.campaign import Bilingual
from outreach.core.gateway.answer import Receipt, Reply
from outreach.core.gateway.approved import Approved
from outreach.core.gateway.profile import SHIPPED, Profile
from outreach.core.model import About, Message, in_doubt, refused, throttled, unavailable
from outreach.core.words import State
from outreach.project.config import GatewaySender
from tests.channels.cases import AT, CASES, results, states
from tests.channels.gateway import ACCOUNT, SECRET, Asked, Gateway, Script, gateway

TEMPLATES: Final = {
    "aliyun": {
        "SMS_1": "尊敬的${name}：${from}至${to}休市，${to}后恢复。",
        "SMS_2": "国庆节休市安排。",
    },
    "tencent": {"1110": "尊敬的{2}：{1}休市。", "1111": "国庆节休市安排。"},
    "direct": {},
}
PERSONAL: Final = {
    "aliyun": "【示例证券】尊敬的张三：10月1日至10月8日休市，10月8日后恢复。",
    "tencent": "【示例证券】尊敬的张三：10月1日休市。",
    "direct": "【示例证券】尊敬的张三：10月1日休市。",
}
NOTICE: Final = "【示例证券】国庆节休市安排。"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@contextmanager
def channel(
    server: Gateway, *, profile: Profile | None = None, **more: Any
) -> Iterator[SmsGatewayHttp]:
    settings: dict[str, Any] = {
        "account": ACCOUNT, "secret": SECRET, "base_url": server.url, "app": "1400006666",
        "signatures": ("示例证券",), "templates": server.templates, "timeout": 5.0,
    }  # fmt: skip
    opened = SmsGatewayHttp(profile or profile_of(server.kind), **settings | more)
    try:
        yield opened
    finally:
        opened.close()


def sms(id_: int = 1, text: str = NOTICE, run_id: int = 7) -> Message:
    return Message(id_, run_id, f"+8613800{id_:06d}", "zh-CN", (text,), AT, None)


def number(id_: int, kind: str) -> str:
    return f"13800{id_:06d}" if kind != "tencent" else f"+8613800{id_:06d}"


def send(kind: str, script: Script, messages: list[Message], **more: Any) -> tuple[Any, Gateway]:
    with gateway(kind, TEMPLATES[kind], script) as server, channel(server, **more) as opened:
        return results(opened, messages), server


everywhere = pytest.mark.parametrize("kind", SHIPPED)


@everywhere
@pytest.mark.parametrize("shared", CASES, ids=lambda shared: shared.__name__)
def test_shared_case(shared: Callable[[Adapter], None], kind: str) -> None:
    """The cases write to numbers abroad, and texts that would need a template all of variable."""
    name, text = {"aliyun": ("text", "${text}")}.get(kind, ("1", "{1}"))
    anything = {"9": text}
    free = profile_of(kind).model_copy(update={"numbers": "e164", "serves": ()})
    with gateway(kind, anything) as server, channel(server, profile=free, templates={}) as opened:
        opened._templates = (Approved("9", text, ("", ""), (name,)),)
        shared(opened)

        assert server.signed_wrong == []


@everywhere
def test_the_client_reads_exactly_what_was_decided(kind: str) -> None:
    messages = [sms(1, PERSONAL[kind]), sms(2), sms(3)]
    found, server = send(kind, lambda _: None, messages)

    assert server.signed_wrong == []
    assert {(one.number, one.text) for one in server.taken} == {
        (number(message.id, kind), message.parts[0]) for message in messages
    }
    assert {outcome.state for outcome in found.values()} == {State.ACCEPTED}
    assert found[1].digest == sha256(PERSONAL[kind].encode()).digest()


def test_what_the_gateway_calls_a_message_is_kept() -> None:
    by_kind = {kind: send(kind, lambda _: None, [sms(2)])[0][2].provider_ref for kind in SHIPPED}

    assert by_kind == {
        "aliyun": "biz^13800000002",
        "tencent": "5000:+8613800000002",
        "direct": "6468846578735812608",
    }


@pytest.mark.parametrize(
    ("kind", "sizes"), [("aliyun", [50, 100, 100]), ("tencent", [50, 200]), ("direct", [250])]
)
def test_messages_alike_go_together_as_many_as_the_gateway_takes(
    kind: str, sizes: list[int]
) -> None:
    _, server = send(kind, lambda _: None, [sms(id_) for id_ in range(1, 251)])

    assert sorted(len(asked.numbers) for asked in server.asked) == sizes


@pytest.mark.parametrize(("kind", "requests"), [("aliyun", 1), ("tencent", 3), ("direct", 3)])
def test_messages_of_different_words_share_a_request_only_where_the_gateway_lets_them(
    kind: str, requests: int
) -> None:
    texts = [PERSONAL[kind].replace("张三", name) for name in ("张三", "李四", "王五")]
    messages = [sms(id_, text) for id_, text in enumerate(texts, 1)]
    _, server = send(kind, lambda _: None, messages)

    assert len(server.asked) == requests
    assert {one.text for one in server.taken} == set(texts)


@everywhere
def test_two_messages_to_one_number_go_in_two_requests(kind: str) -> None:
    twice = [sms(1), sms(1)._replace(id=2)]
    found, server = send(kind, lambda _: None, twice)

    assert [len(asked.numbers) for asked in server.asked] == [1, 1]
    assert len(found) == len(server.taken) == 2


@everywhere
def test_messages_of_two_runs_never_share_a_request(kind: str) -> None:
    _, server = send(kind, lambda _: None, [sms(1, run_id=7), sms(2, run_id=8)])

    assert {one.mark for one in server.taken} == {"7-1-1", "8-2-2"}


@everywhere
def test_every_request_carries_our_own_mark(kind: str) -> None:
    _, server = send(kind, lambda _: None, [sms(43), sms(41)])

    assert [one.mark for one in server.taken] == ["7-41-43", "7-41-43"]


def test_messages_far_apart_never_share_a_request() -> None:
    """Whoever reads the mark of a request looks through all its messages."""
    _, server = send("direct", lambda _: None, [sms(1), sms(5_001), sms(5_002)])

    assert sorted({one.mark for one in server.taken}) == ["7-1-5001", "7-5002-5002"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("【示例证券】国庆节休市安排", "no_template"),
        ("【示例证券】国庆节休市安排。 ", "no_template"),
        ("【示例证券】尊敬的：10月1日至8日休市，8日后恢复。", "no_template"),
        ("【示例证券】尊敬的张三：1日至8日休市，9日后恢复。", "no_template"),
        ("【示例证券】尊敬的a.cn/x：1日至8日休市，8日后恢复。", "link_in_variable"),
        ("【别家证券】国庆节休市安排。", "signature"),
        ("国庆节休市安排。", "signature"),
        ("【示例证券】" + "长" * 500, "too_long"),
    ],
)
def test_a_text_no_approved_template_makes_fails_and_is_not_sent(text: str, code: str) -> None:
    found, server = send("aliyun", lambda _: None, [sms(1), sms(2, text), sms(3)])

    assert (found[2].state, found[2].code) == (State.FAILED, code)
    assert found[2].detail
    assert {one.number for one in server.taken} == {"13800000001", "13800000003"}


@pytest.mark.parametrize("kind", ["aliyun", "direct"])
def test_a_number_abroad_is_refused_where_it_would_pass_for_one_of_the_mainland(kind: str) -> None:
    """13105551234 without its + is somebody's mobile number in China."""
    abroad = sms(1)._replace(to="+13105551234")
    found, server = send(kind, lambda _: None, [abroad])

    assert found[1].code == "not_served"
    assert server.asked == []


# --- what codes mean --------------------------------------------------------------------------

CODES: Final = [
    (kind, code, meaning)
    for kind in SHIPPED
    for code, meaning in profile_of(kind).codes.items()
    if meaning != "accepted"
]


@pytest.mark.parametrize(("kind", "code", "meaning"), CODES)
def test_every_code_of_a_profile_means_what_its_table_says(
    kind: str, code: str, meaning: str
) -> None:
    told = code.replace("*", ".Anything")
    if meaning == "stopped":
        sentence = f"refuses our account or request: {told}"
        with pytest.raises(ChannelUnavailable, match=sentence):
            send(kind, lambda _: told, [sms(1)])
        return
    found, server = send(kind, lambda _: told, [sms(1)])

    failed, doubt = State.FAILED, State.IN_DOUBT
    state = {"refused": failed, "content": failed, "doubt": doubt}.get(meaning, State.READY)
    assert (found[1].state, found[1].code) == (state, told)
    assert found[1].detail == "138****1234 is not well"
    assert len(server.asked) == 1


@everywhere
def test_a_code_in_no_table_lets_the_message_wait(kind: str) -> None:
    code = "77" if kind == "direct" else "isv.BRAND_NEW"
    found, _ = send(kind, lambda _: code, [sms(1)])

    assert found[1] == unavailable(code, "138****1234 is not well")


def test_each_number_has_its_own_answer() -> None:
    told = {
        number(2, "tencent"): "FailedOperation.PhoneNumberInBlacklist",
        number(3, "tencent"): "LimitExceeded.PhoneNumberDailyLimit",
        number(4, "tencent"): "InternalError.Timeout",
        number(5, "tencent"): "FailedOperation.NewReason",
    }
    found, server = send("tencent", lambda _: told, [sms(id_) for id_ in range(1, 7)])

    assert {id_: outcome.state for id_, outcome in found.items()} == {
        1: State.ACCEPTED, 2: State.FAILED, 3: State.READY, 4: State.IN_DOUBT, 5: State.READY,
        6: State.ACCEPTED,
    }  # fmt: skip
    assert len(server.asked) == 1


def test_a_code_for_clients_who_have_opted_out_says_whose_wish_it_is() -> None:
    profile = profile_of("direct")
    codes = {**profile.codes, "88": "opted_out"}
    found, _ = send(
        "direct", lambda _: "88", [sms(1)], profile=profile.model_copy(update={"codes": codes})
    )

    assert (found[1].state, found[1].about) == (State.FAILED, About.OPTED_OUT)


def test_an_account_without_money_for_one_number_begins_no_further_request() -> None:
    told = {number(2, "tencent"): "FailedOperation.InsufficientBalanceInSmsPackage"}
    found, _ = send("tencent", lambda _: told, [sms(1), sms(2)])

    assert [found[id_].state for id_ in (1, 2)] == [State.ACCEPTED, State.READY]


def test_one_bad_number_keeps_nobody_else_from_being_told() -> None:
    bad = {number(37, "aliyun"): "isv.MOBILE_NUMBER_ILLEGAL"}

    def script(asked: Asked) -> str | None:
        return next((code for one, code in bad.items() if one in asked.numbers), None)

    found, server = send("aliyun", script, [sms(id_) for id_ in range(1, 101)])

    assert Counter(outcome.state for outcome in found.values()) == {
        State.ACCEPTED: 99,
        State.FAILED: 1,
    }
    assert found[37].code == "isv.MOBILE_NUMBER_ILLEGAL"
    assert Counter(one.number for one in server.taken).most_common(1)[0][1] == 1
    assert len(server.asked) <= 15


@pytest.mark.parametrize(
    "told", ["isp.SYSTEM_ERROR", "isv.SMS_TEMPLATE_ILLEGAL", "isv.BRAND_NEW", "taken_500"]
)
def test_a_request_that_may_have_been_taken_or_blames_nobody_is_not_asked_again(told: str) -> None:
    _, server = send("aliyun", lambda _: told, [sms(id_) for id_ in range(1, 11)])

    assert len(server.asked) == 1


def test_flow_control_begins_no_further_request() -> None:
    texts = [PERSONAL["tencent"].replace("张三", f"张{id_}") for id_ in range(1, 61)]
    messages = [sms(id_, text) for id_, text in enumerate(texts, 1)]
    script: Script = lambda _: "RequestLimitExceeded.UinLimitExceeded"  # noqa: E731
    found, server = send("tencent", script, messages, connections=4)

    assert {outcome.state for outcome in found.values()} == {State.READY}
    assert len(server.asked) <= 8


# --- bad days ---------------------------------------------------------------------------------


@everywhere
@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("taken_500", "http_500"),
        ("taken_cut", "connection_lost"),
        ((200, b"<html>ok</html>"), "no_json"),
        ((200, b"{}"), "no_code"),
        ((200, b"[1, 2]"), "no_code"),
        ((200, b""), "no_json"),
        ((502, b"bad gateway"), "http_502"),
    ],
)
def test_an_answer_that_does_not_say_leaves_the_message_in_doubt(
    kind: str, told: Any, code: str
) -> None:
    found, server = send(kind, lambda _: told, [sms(1), sms(2)])

    assert {(one.state, one.code) for one in found.values()} == {(State.IN_DOUBT, code)}
    assert len(server.asked) == 1


@everywhere
def test_an_answer_that_never_comes_leaves_the_message_in_doubt(kind: str) -> None:
    found, server = send(kind, lambda _: "hang", [sms(1)], timeout=0.2)

    assert found[1] == in_doubt("timeout", "no answer within 0.2 seconds", About.CONNECTION)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [{"PhoneNumber": "+8613800000009", "Code": "Ok", "SerialNo": "5"}],
        [{"PhoneNumber": "+8613800000001", "Code": "Ok", "SerialNo": ""}],
        [{"PhoneNumber": "+8613800000001", "SerialNo": "5"}],
        ["Ok"],
    ],
)
def test_an_answer_that_leaves_a_number_out_leaves_its_message_in_doubt(entries: Any) -> None:
    body = json.dumps({"Response": {"SendStatusSet": entries}}).encode()
    found, _ = send("tencent", lambda _: (200, body), [sms(1)])

    assert found[1].state is State.IN_DOUBT


def test_an_acceptance_without_a_reference_leaves_the_message_in_doubt() -> None:
    found, _ = send("aliyun", lambda _: (200, b'{"Code": "OK"}'), [sms(1)])

    assert (found[1].state, found[1].code) == (State.IN_DOUBT, "no_reference")


def test_too_many_requests_let_the_messages_wait() -> None:
    found, _ = send("direct", lambda _: (429, b"slow down"), [sms(1)])

    assert found[1] == throttled("http_429", "too many requests")


@pytest.mark.parametrize("status", [302, 307, 401, 403, 404])
def test_an_address_that_is_not_the_gateway_stops_the_sender(status: int) -> None:
    """And nobody follows it elsewhere with the message in hand."""
    with gateway("direct", script=lambda _: (status, b"")) as server, channel(server) as opened:
        with pytest.raises(ChannelUnavailable, match=f"HTTP {status} without a code"):
            list(opened.send([sms(1)]))

        assert len(server.asked) == 1


def test_an_acceptance_with_an_error_of_http_leaves_the_message_in_doubt() -> None:
    found, _ = send("aliyun", lambda _: (502, b'{"Code": "OK", "BizId": "b"}'), [sms(1)])

    assert (found[1].state, found[1].code) == (State.IN_DOUBT, "http_502")


@everywhere
def test_a_wrong_secret_stops_the_sender_and_takes_nothing(kind: str) -> None:
    with (
        gateway(kind, TEMPLATES[kind]) as server,
        channel(server, secret="not it") as opened,
    ):
        if kind == "direct":  # whose one code for failure blames nobody
            assert states(opened, [sms(1)]) == {1: State.READY}
        else:
            with pytest.raises(ChannelUnavailable, match="refuses our account or request") as why:
                list(opened.send([sms(1)]))
            assert "not it" not in str(why.value)
        assert server.signed_wrong == ["signature"]
        assert server.taken == []


def test_nobody_listens() -> None:
    with gateway("aliyun", TEMPLATES["aliyun"]) as server:
        pass
    with (
        channel(server) as opened,
        pytest.raises(ChannelUnavailable, match=r"^Alibaba Cloud SMS: the host cannot be reached$"),
    ):
        list(opened.send([sms(1, "【示例证券】no such template"), sms(2)]))


def test_a_window_that_comes_late_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outreach.channels.http_window.PATIENCE", -1.0)
    found, server = send("aliyun", lambda _: None, [sms(1), sms(2)])

    assert {(one.state, one.code) for one in found.values()} == {(State.READY, "late")}
    assert server.asked == []


def test_a_password_of_netrc_does_not_take_the_place_of_the_signature(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    _, server = send("aliyun", lambda _: None, [sms(1)])

    assert server.signed_wrong == []


def test_hmac_serves_a_port_that_wants_it() -> None:
    """The stand-in knows MD5 only, and so finds the signature wrong."""
    profile = profile_of("direct")
    other = profile.signing.model_copy(update={"kind": "hmac-sha256"})
    with (
        gateway("direct") as server,
        channel(server, profile=profile.model_copy(update={"signing": other})) as opened,
    ):
        results(opened, [sms(1)])
        assert len(server.asked[0].fields["sign"]) == 64


# --- pulling ----------------------------------------------------------------------------------


def test_receipts_of_one_number_and_day_are_asked_for_and_read() -> None:
    detail = {
        "PhoneNum": "13800000001", "SendStatus": 3, "ErrCode": "DELIVERED", "OutId": "7-1",
        "ReceiveDate": "2026-09-28 16:00:00", "SendDate": "2026-09-28 15:59:58",
        "TemplateCode": "SMS_1", "Content": NOTICE,
    }  # fmt: skip
    failed = {**detail, "SendStatus": 2, "ErrCode": "MOBILE_NOT_ON_SERVICE"}
    waiting = {**detail, "SendStatus": 1, "ErrCode": "", "ReceiveDate": ""}
    with gateway("aliyun") as server, channel(server) as opened:
        server.pulls["QuerySendDetails"] = {
            "Code": "OK",
            "SmsSendDetailDTOs": {"SmsSendDetailDTO": [detail, failed, waiting, {"odd": 1}]},
        }
        pulled = opened.receipts("+8613800000001", date(2026, 9, 28), "biz^1")

        assert server.signed_wrong == []
        assert server.asked[0].query == {
            "PhoneNumber": "13800000001", "SendDate": "20260928", "BizId": "biz^1",
            "PageSize": "50", "CurrentPage": "1",
        }  # fmt: skip
    at = datetime(2026, 9, 28, 8, 0, tzinfo=UTC)
    assert pulled.unread == 1
    assert pulled.entries == (
        Receipt("+8613800000001", "delivered", "DELIVERED", at, "", "7-1"),
        Receipt("+8613800000001", "undelivered", "MOBILE_NOT_ON_SERVICE", at, "", "7-1"),
        Receipt("+8613800000001", "waiting", "", None, "", "7-1"),
    )


def test_whatever_receipts_and_replies_are_new_are_pulled() -> None:
    receipt = {
        "Description": "DELIVRD", "CountryCode": "86", "SubscriberNumber": "13800000001",
        "ReportStatus": "SUCCESS", "PhoneNumber": "+8613800000001", "SerialNo": "5000:1",
        "UserReceiveTime": 1790582400, "SessionContext": "7-1",
    }  # fmt: skip
    reply = {
        "ReplyContent": "R", "ReplyTime": 1790582460, "ExtendCode": "11", "SignName": "示例证券",
        "PhoneNumber": "+8613800000001", "CountryCode": "86", "SubscriberNumber": "13800000001",
    }  # fmt: skip
    with gateway("tencent") as server, channel(server) as opened:
        server.pulls["PullSmsSendStatus"] = {"Response": {"PullSmsSendStatusSet": [receipt]}}
        server.pulls["PullSmsReplyStatus"] = {"Response": {"PullSmsReplyStatusSet": [reply]}}

        receipts, replies = opened.receipts(), opened.replies()

        assert server.signed_wrong == []
        assert server.asked[0].fields == {"SmsSdkAppId": "1400006666", "Limit": 100}
    at = datetime.fromtimestamp(1790582400, UTC)
    assert receipts.entries == (
        Receipt("+8613800000001", "delivered", "DELIVRD", at, "5000:1", "7-1"),
    )
    assert replies.entries == (
        Reply("+8613800000001", "R", datetime.fromtimestamp(1790582460, UTC), "11"),
    )


def test_all_that_is_new_is_pulled_in_the_words_of_every_channel() -> None:
    receipt = {
        "ReportStatus": "FAIL", "PhoneNumber": "+8613800000001", "SerialNo": "5000:1",
        "SubscriberNumber": "13800000001", "UserReceiveTime": 1790582400, "Description": "MK:0001",
    }  # fmt: skip
    reply = {"ReplyContent": "R", "ExtendCode": "11", "PhoneNumber": "+8613800000001"}
    with gateway("tencent") as server, channel(server) as opened:
        server.pulls["PullSmsSendStatus"] = {"Response": {"PullSmsSendStatusSet": [receipt]}}
        server.pulls["PullSmsReplyStatus"] = {"Response": {"PullSmsReplyStatusSet": [reply]}}
        assert isinstance(opened, Pulls)

        said, wrote = opened.pull(AT)

    assert said == heard.Receipt(
        State.UNDELIVERED, datetime.fromtimestamp(1790582400, UTC), None, "5000:1",
        "+8613800000001", "MK:0001",
    )  # fmt: skip
    assert wrote == heard.Reply("11", "+8613800000001", "R", AT)


def test_a_full_page_is_followed_by_the_next() -> None:
    receipt = {"ReportStatus": "SUCCESS", "PhoneNumber": "+8613800000001", "SerialNo": "5000:1"}
    full = {"Response": {"PullSmsSendStatusSet": [receipt] * 100}}
    with gateway("tencent") as server, channel(server) as opened:
        server.pulls["PullSmsSendStatus"] = full
        server.pulls["PullSmsReplyStatus"] = {"Response": {"PullSmsReplyStatusSet": []}}
        pulled = opened.pull(AT)
        first = [next(pulled) for _ in range(100)]
        server.pulls["PullSmsSendStatus"] = {"Response": {"PullSmsSendStatusSet": [receipt]}}

        assert len(first) + len(list(pulled)) == 101


def test_a_gateway_asked_by_number_keeps_nothing_to_fetch() -> None:
    with gateway("aliyun") as server, channel(server) as opened:
        assert list(opened.pull(AT)) == []
        assert server.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        {"Response": {"Error": {"Code": "AuthFailure.SecretIdNotFound", "Message": "no"}}},
        {"Response": {}},
        ["what"],
    ],
)
def test_a_pull_that_brings_no_list_says_why(answer: Any) -> None:
    with gateway("tencent") as server, channel(server) as opened:
        server.pulls["PullSmsSendStatus"] = answer
        with pytest.raises(ChannelUnavailable, match=r"^Tencent Cloud SMS: (AuthFailure|HTTP 200)"):
            opened.receipts()


def test_a_gateway_that_pushes_only_has_nothing_to_pull() -> None:
    with gateway("direct") as server, channel(server) as opened:
        for pull in (opened.receipts, opened.replies):
            with pytest.raises(ChannelUnavailable, match="to pull"):
                pull()


def test_an_outcome_never_holds_a_whole_number() -> None:
    found, _ = send("tencent", lambda _: "FailedOperation.ContainSensitiveWord", [sms(1)])

    assert found[1] == refused(
        "FailedOperation.ContainSensitiveWord", "138****1234 is not well", About.CONTENT
    )


# --- from config.toml -------------------------------------------------------------------------


def opened_from(profile: str, server_url: str, outbox: Path) -> Adapter:
    sender = GatewaySender(
        kind="sms_gateway_http", address="95000", profile=profile, account=ACCOUNT,
        signatures=("示例证券",), templates=TEMPLATES["aliyun"], base_url=server_url, extend="01",
    )  # fmt: skip
    firm = Bilingual(zh="示例证券", en="Example Securities")
    return open_channel(sender, secret=SECRET, outbox=outbox, firm_name=firm)


def test_the_sender_of_config_toml_opens_the_channel(tmp_path: Path) -> None:
    with gateway("aliyun", TEMPLATES["aliyun"]) as server:
        opened = opened_from("aliyun", server.url, tmp_path)
        found = states(opened, [sms(1), sms(2)])
        opened.close()

        assert found == {1: State.ACCEPTED, 2: State.ACCEPTED}
        assert server.asked[0].fields["SmsUpExtendCodeJson"] == '["01","01"]'


def test_a_profile_of_the_firm_takes_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    shipped = (files("outreach.data") / "gateways" / "direct.toml").read_text(encoding="utf-8")
    own = tmp_path / "ours.toml"
    own.write_text(shipped.replace('1 = "accepted"', '1 = "throttled"'), encoding="utf-8")
    with gateway("direct") as server:
        opened = opened_from(str(own), f"{server.url}/deep/", tmp_path)
        assert states(opened, [sms(1)]) == {1: State.READY}
        opened.close()

        assert [one.text for one in server.taken] == [NOTICE]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        ("title = ", "is broken: Invalid value"),
        ('title = "x"', "is broken: .* validation errors for Profile"),
    ],
)
def test_a_profile_that_is_none_blames_no_client(
    text: str | None, said: str, tmp_path: Path
) -> None:
    own = tmp_path / "ours.toml"
    if text is not None:
        own.write_text(text, encoding="utf-8")

    with pytest.raises(ChannelUnavailable, match=said):
        opened_from(str(own), "http://127.0.0.1:9", tmp_path)
