"""Twilio's webhooks through the real door: the signature decides, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from outreach.store.database import Database
from outreach.web.twilio import Fields
from tests.web.door import PUBLIC, SENDERS, TOKEN, Door, open_door

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


@pytest.fixture
def light(tmp_path: Path, sqlite: Database) -> Iterator[Door]:
    with open_door(tmp_path, sqlite, "requests_per_second = 1000") as opened:
        yield opened


def test_a_signed_status_is_on_record_as_it_came_before_it_is_answered(door: Door) -> None:
    assert door.twilio(STATUS, SENT).status == 204
    assert door.events() == [
        ("twilio:abroad", "status", {"path": STATUS, "form": [list(one) for one in SENT.items()]})
    ]


def test_the_same_status_twice_is_on_record_once(door: Door) -> None:
    assert [door.twilio(STATUS, SENT).status for _ in range(3)] == [204] * 3
    assert len(door.events()) == 1


def test_fields_twilio_adds_without_notice_are_taken(light: Door) -> None:
    assert (
        light.twilio(STATUS, {**SENT, "RawDlrDoneDate": "2609281530", "New": "中文 +&="}).status
        == 204
    )


def test_a_field_that_is_there_twice_is_signed_with_both_values(light: Door) -> None:
    form = [*SENT.items(), ("Tag", "b"), ("Tag", "a")]
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + STATUS, Fields(form))
    assert light.ask("POST", STATUS, urlencode(form), X_Twilio_Signature=signature).status == 204


def test_what_is_signed_for_another_address_is_refused(light: Door) -> None:
    others = ("https://evil.example.com", "http://outreach.example.com", f"{PUBLIC}:8443")
    for public in (*others, f"{PUBLIC}/x", f"{PUBLIC}.", "https://Outreach.example.com", ""):
        assert light.twilio(STATUS, SENT, public=public).status == 403, public
    assert light.events() == []


def test_one_changed_field_is_refused(light: Door) -> None:
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + STATUS, SENT)
    for changed in ({"MessageStatus": "delivered"}, {"ErrorCode": "1"}, {"To": "+12125550101"}):
        body = urlencode({**SENT, **changed})
        answer = light.ask("POST", STATUS, body, X_Twilio_Signature=signature)
        assert answer.status == 403, changed
    less = urlencode({name: value for name, value in SENT.items() if name != "ApiVersion"})
    assert light.ask("POST", STATUS, less, X_Twilio_Signature=signature).status == 403
    assert light.events() == []


def test_without_a_signature_nothing_is_stored(light: Door) -> None:
    assert light.ask("POST", STATUS, urlencode(SENT)).status == 403
    assert light.ask("POST", STATUS, urlencode(SENT), X_Twilio_Signature="").status == 403
    assert light.events() == []


def test_a_message_number_that_was_not_signed_is_refused(light: Door) -> None:
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + STATUS, SENT)
    other = "/twilio/abroad/status/18"
    assert light.ask("POST", other, urlencode(SENT), X_Twilio_Signature=signature).status == 403


def test_a_sender_without_a_secret_or_of_another_kind_is_refused(light: Door) -> None:
    assert light.twilio("/twilio/mainland/status/17", SENT).status == 403
    assert light.twilio("/twilio/nobody/status/17", SENT).status == 403


def test_behind_proxies_the_public_address_counts_and_no_header(light: Door) -> None:
    cases: list[dict[str, str]] = [
        {"Host": "127.0.0.1:8025"},
        {"Host": "evil.example.com"},
        {"X_Forwarded_Proto": "http", "X_Forwarded_Host": "inner", "X_Forwarded_For": "1.2.3.4"},
        {"X_Original_URL": "/x", "Forwarded": "host=x;proto=http"},
    ]
    assert [light.twilio(STATUS, SENT, **one).status for one in cases] == [204] * len(cases)


def test_a_query_is_part_of_what_is_signed(light: Door) -> None:
    assert light.twilio(STATUS + "?region=us1", SENT).status == 204


def test_an_inbound_message_is_answered_with_empty_twiml(light: Door) -> None:
    form = {"MessageSid": "SM2", "From": "+12125550100", "To": "+15005550006", "Body": "停止"}
    answer = light.twilio("/twilio/abroad/inbound", form)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    assert light.events()[0][:2] == ("twilio:abroad", "inbound")


def test_a_sender_without_its_secret_is_told_of(tmp_path: Path, sqlite: Database) -> None:
    senders = SENDERS.replace("[senders.abroad]", "[senders.no-key]").replace(
        "/twilio/abroad/", "/twilio/no-key/"
    )
    with open_door(tmp_path, sqlite, senders=senders) as door:
        assert door.twilio("/twilio/no-key/status/17", SENT).status == 403
        variable = "OUTREACH_SECRET_NO_KEY"
        assert door.said == [
            ("web_sender_without_secret", {"sender": "no-key", "variable": variable})
        ]
