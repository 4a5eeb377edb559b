"""Twilio's webhooks through the real door: the signature decides, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from outreach.store.database import Database
from tests.web.door import PUBLIC, TOKEN, Door, open_door

STATUS = "/twilio/abroad/status/17"
SENT = {
    "MessageSid": "SM" + "1" * 32, "SmsSid": "SM" + "1" * 32, "MessageStatus": "sent",
    "To": "+12125550100", "From": "+15005550006", "ApiVersion": "2010-04-01",
    "AccountSid": "AC" + "0" * 32,
}  # fmt: skip


@pytest.fixture
def door(tmp_path: Path, database: Database) -> Iterator[Door]:
    with open_door(tmp_path, database) as opened:
        yield opened


def test_a_signed_status_is_on_record_as_it_came_before_it_is_answered(door: Door) -> None:
    assert door.twilio(STATUS, SENT).status == 204
    assert door.events() == [
        ("twilio:abroad", "status", {"path": STATUS, "form": [list(one) for one in SENT.items()]})
    ]


def test_the_same_status_twice_is_on_record_once(door: Door) -> None:
    assert [door.twilio(STATUS, SENT).status for _ in range(3)] == [204] * 3
    assert len(door.events()) == 1


def test_fields_twilio_adds_without_notice_are_taken(door: Door) -> None:
    assert (
        door.twilio(STATUS, {**SENT, "RawDlrDoneDate": "2609281530", "New": "中文 +&="}).status
        == 204
    )


def test_a_field_that_is_there_twice_is_signed_with_both_values(door: Door) -> None:
    from twilio.request_validator import RequestValidator

    from outreach.web.twilio import Fields

    form = [*SENT.items(), ("Tag", "b"), ("Tag", "a")]
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + STATUS, Fields(form))
    assert door.ask("POST", STATUS, urlencode(form), X_Twilio_Signature=signature).status == 204


@pytest.mark.parametrize(
    ("path", "public", "form", "headers"),
    [
        pytest.param(STATUS, "https://evil.example.com", SENT, {}, id="signed for another host"),
        pytest.param(STATUS, "http://outreach.example.com", SENT, {}, id="signed for http"),
        pytest.param(STATUS, PUBLIC + "/x", SENT, {}, id="signed for another path"),
        pytest.param(STATUS, PUBLIC + ":8443", SENT, {}, id="signed for another port"),
    ],
)
def test_what_is_signed_for_another_address_is_refused(
    door: Door, path: str, public: str, form: dict[str, str], headers: dict[str, str]
) -> None:
    answer = door.twilio(path, form, public=public, **headers)

    assert (answer.status, door.events()) == (403, [])


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"MessageStatus": "delivered"}, id="a value"),
        pytest.param({"ErrorCode": ""}, id="a field more"),
        pytest.param({"To": "+12125550101"}, id="one digit"),
    ],
)
def test_one_changed_field_is_refused(door: Door, changed: dict[str, str]) -> None:
    from twilio.request_validator import RequestValidator

    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + STATUS, SENT)
    answer = door.ask("POST", STATUS, urlencode({**SENT, **changed}), X_Twilio_Signature=signature)

    assert (answer.status, door.events()) == (403, [])


def test_without_a_signature_nothing_is_stored(door: Door) -> None:
    assert door.ask("POST", STATUS, urlencode(SENT)).status == 403
    assert door.ask("POST", STATUS, urlencode(SENT), X_Twilio_Signature="").status == 403
    assert door.events() == []


def test_a_message_number_that_was_not_signed_is_refused(door: Door) -> None:
    from twilio.request_validator import RequestValidator

    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + STATUS, SENT)
    other = "/twilio/abroad/status/18"
    assert door.ask("POST", other, urlencode(SENT), X_Twilio_Signature=signature).status == 403


def test_a_sender_without_a_secret_or_of_another_kind_is_refused(door: Door) -> None:
    assert door.twilio("/twilio/mainland/status/17", SENT).status == 403
    assert door.twilio("/twilio/nobody/status/17", SENT).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "127.0.0.1:8025"}, id="the proxy asks by its own name"),
        pytest.param({"Host": "evil.example.com"}, id="a host that is made up"),
        pytest.param(
            {
                "X_Forwarded_Proto": "http",
                "X_Forwarded_Host": "inner",
                "X_Forwarded_For": "1.2.3.4",
            },
            id="forwarded headers",
        ),
        pytest.param({"X_Original_URL": "/x", "Forwarded": "host=x;proto=http"}, id="others"),
    ],
)
def test_behind_proxies_the_public_address_counts_and_no_header(
    door: Door, headers: dict[str, str]
) -> None:
    assert door.twilio(STATUS, SENT, **headers).status == 204


def test_a_query_is_part_of_what_is_signed(door: Door) -> None:
    assert door.twilio(STATUS + "?region=us1", SENT).status == 204


def test_an_inbound_message_is_answered_with_empty_twiml(door: Door) -> None:
    form = {"MessageSid": "SM2", "From": "+12125550100", "To": "+15005550006", "Body": "停止"}
    answer = door.twilio("/twilio/abroad/inbound", form)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    assert door.events()[0][:2] == ("twilio:abroad", "inbound")
