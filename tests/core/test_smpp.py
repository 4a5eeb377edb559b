"""SMPP as bytes, its texts, and what a centre says: beside a codec nobody here wrote."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.core import smpp
from outreach.core.receipt import Receipt, Reply
from outreach.core.smpp import Garbled, Pdu, PduReader, Place, Short
from outreach.core.smpp_codes import CODES, Meaning, code_of
from outreach.core.smpp_said import Ids, is_receipt, kept_id, number_of, receipt, reply
from outreach.core.smpp_text import parts, read, whole
from outreach.core.sms_text import BASIC, EXTENSION, measure
from outreach.core.words import State

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)
SAID = Short(
    Place("85230001000", 1, 1), Place("12025550041", 1, 1), "休市".encode("utf-16-be"), 8, 0x40, 1,
    "000001020005000R", {0x0204: b"\0\x07"},
)  # fmt: skip


def theirs(said: Short) -> Any:
    library = pytest.importorskip("smpp34")
    return library.SubmitSm(
        said.source.address, said.target.address, said.text,
        source_addr_ton=said.source.ton, source_addr_npi=said.source.npi,
        dest_addr_ton=said.target.ton, dest_addr_npi=said.target.npi, esm_class=said.esm_class,
        validity_period=said.validity_period, registered_delivery=said.registered_delivery,
        data_coding=said.data_coding,
        tlvs=[library.Tlv(tag, value) for tag, value in said.tlvs.items()], sequence_number=9,
    )  # fmt: skip


def test_a_message_is_written_as_another_codec_writes_it() -> None:
    assert smpp.encoded(Pdu(smpp.SUBMIT_SM, 0, 9, smpp.short(SAID))) == theirs(SAID).encode()


def test_what_is_written_is_read() -> None:
    assert smpp.read_short(smpp.short(SAID)) == SAID


@given(data=st.binary(max_size=120), cut=st.integers(0, 80))
@settings(max_examples=150, deadline=None)
def test_garbage_is_a_message_or_garbled_and_never_anything_else(data: bytes, cut: int) -> None:
    for body in (data, smpp.short(SAID)[:cut], smpp.short(SAID)[:cut] + data):
        try:
            said = smpp.read_short(body)
        except Garbled:
            continue
        assert isinstance(receipt(said, AT, "e164", "same"), Receipt | None)
        assert isinstance(reply(said, AT, "e164"), Reply | None)


@given(sizes=st.lists(st.integers(0, 40), max_size=6), cuts=st.lists(st.integers(1, 30)))
@settings(max_examples=60, deadline=None)
def test_however_bytes_are_cut_the_same_is_said(sizes: list[int], cuts: list[int]) -> None:
    said = [Pdu(smpp.DELIVER_SM, 0, n, b"x" * size) for n, size in enumerate(sizes, 1)]
    data, reader, found = b"".join(map(smpp.encoded, said)), PduReader(), []
    for cut in [*cuts, len(data)]:
        found += reader.feed(data[:cut])
        data = data[cut:]

    assert found == said


@pytest.mark.parametrize("length", [0, 15, smpp.MOST + 1])
def test_a_length_that_no_message_has_is_not_waited_for(length: int) -> None:
    with pytest.raises(Garbled):
        PduReader().feed(length.to_bytes(4, "big") + b"\0" * 12)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("system_id", "x" * 16),
        ("system_type", "x" * 13),
        ("password", "密码"),
        ("system_id", "a\0b"),
    ],
)
def test_a_login_that_does_not_fit_is_not_cut_off(field: str, value: str) -> None:
    fields = {"system_id": "a", "password": "b", "system_type": ""} | {field: value}

    with pytest.raises(ValueError, match=field):
        smpp.bind(**fields)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (59, "000000000059000R"),
        (3600, "000000010000000R"),
        (93_784, "000001020304000R"),
        (0, "000000000001000R"),
        (10**9, "000007000000000R"),
    ],
)
def test_a_time_from_now(seconds: int, written: str) -> None:
    assert smpp.relative(seconds) == written


# --- texts ------------------------------------------------------------------------------------

characters = st.one_of(
    st.sampled_from(BASIC + EXTENSION),
    st.sampled_from("股休市【】，é–𠮷📈\u200d\U0001f468"),
    st.characters(codec="utf-8"),
)


@given(st.text(characters, max_size=400), st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
def test_a_text_goes_in_as_many_parts_as_it_is_counted_for_and_comes_out_whole(
    text: str, reference: int
) -> None:
    sent = parts(text, reference)

    assert len(sent.texts) == measure(text).parts
    assert all(len(one) <= (160 if sent.data_coding == 0 else 140) for one in sent.texts)
    assert "".join(read(one, sent.data_coding, sent.esm_class) for one in sent.texts) == text
    coding, content = whole(text)
    assert (coding, read(content, coding, 0)) == (sent.data_coding, text)


def test_a_centre_of_another_alphabet_gets_every_text_in_ucs2() -> None:
    assert parts("closed", 1, "ucs2") == (8, 0, ("closed".encode("utf-16-be"),))


def test_a_text_beyond_all_parts_is_no_message() -> None:
    with pytest.raises(ValueError, match="256 parts"):
        parts("股" * (255 * 67 + 1), 1)


def test_the_alphabet_is_that_of_the_paper() -> None:
    """3GPP TS 23.038, 6.2.1: some of its rows, and its extension."""
    (text,) = parts("@Δ ¡¿Aaöüà_ÆÉ€[~|\f", 1).texts

    assert text == bytes.fromhex("00102040604161" + "7c7e7f111c1f" + "1b651b3c1b3d1b401b0a")


@pytest.mark.parametrize(
    ("content", "coding", "text"),
    [
        (b"STOP", 0, "STOP"),
        (b"STOP", 1, "STOP"),
        (b"arr\xeate", 3, "arrête"),
        (b"\x1b\x01", 0, "�"),
    ],
)
def test_what_clients_write_is_read_in_its_alphabet(content: bytes, coding: int, text: str) -> None:
    assert read(content, coding, 0) == text


# --- what a centre says -----------------------------------------------------------------------

CLIENT = Place("12025550041", 1, 1)
OURS = Place("85230001000", 1, 1)


def told(text: bytes = b"", **tlvs: bytes) -> Short:
    known = {name: int(name[1:], 16) for name in tlvs}
    return Short(CLIENT, OURS, text, 0, 4, tlvs={known[name]: tlvs[name] for name in tlvs})


def line(stat: str, err: str = "000", id_: str = "id1") -> bytes:
    return (
        f"id:{id_} sub:001 dlvrd:001 submit date:2609280730 done date:2609280731 stat:{stat}"
        f" err:{err} text:notice"
    ).encode()


@pytest.mark.parametrize(
    ("said", "state", "code"),
    [
        (told(line("DELIVRD")), State.DELIVERED, ""),
        (told(line("UNDELIV", "00B")), State.UNDELIVERED, "00B"),
        (told(line("EXPIRED")), State.UNDELIVERED, ""),
        (told(line("DELETED")), State.UNDELIVERED, ""),
        (told(line("REJECTD", "255")), State.UNDELIVERED, "255"),
        (told(line("ACCEPTD")), State.ACCEPTED, ""),
        (told(line("ENROUTE")), State.ACCEPTED, ""),
        (told(x001E=b"id1\0", x0427=b"\x02"), State.DELIVERED, ""),
        (told(x001E=b"id1\0", x0427=b"\x05", x0423=b"\x03\0\x0b"), State.UNDELIVERED, "11"),
    ],
)
def test_a_receipt_says_what_became_of_a_message(said: Short, state: State, code: str) -> None:
    found = receipt(said, AT, "e164", "same")

    assert is_receipt(said)
    assert found is not None
    assert (found.state, found.code, found.reference, found.address, found.said_at) == (
        state, code, "id1", "+12025550041", AT,
    )  # fmt: skip


@pytest.mark.parametrize(
    "said", [told(line("UNKNOWN")), told(b"hello"), told(line("DELIVRD").replace(b"id:", b""))]
)
def test_a_receipt_that_says_nothing_is_none(said: Short) -> None:
    assert receipt(said, AT, "e164", "same") is None


def test_what_a_client_writes_is_a_reply() -> None:
    said = Short(CLIENT, OURS, "退订".encode("utf-16-be"), 8)

    assert not is_receipt(said)
    assert reply(said, AT, "e164") == Reply("85230001000", "+12025550041", "退订", AT)
    assert reply(said._replace(source=Place("", 0, 0)), AT, "e164") is None


@pytest.mark.parametrize(
    ("ids", "response", "of_receipt"),
    [
        ("same", "0a1B", "0a1B"),
        ("hex_then_decimal", "00FF", "255"),
        ("hex_then_decimal", "ff", "0000000255"),
        ("decimal_then_hex", "255", "00FF"),
        ("decimal_then_hex", "not a number", "not a number"),
    ],
)
def test_an_id_is_the_same_however_the_centre_writes_it(
    ids: Ids, response: str, of_receipt: str
) -> None:
    said = told(line("DELIVRD", id_=of_receipt.replace(" ", "_")))
    found = receipt(said, AT, "e164", ids)

    assert isinstance(found, Receipt)
    assert found.reference == kept_id(response.replace(" ", "_"), ids, "response")


@pytest.mark.parametrize(
    ("written", "numbers", "number"),
    [
        ("8613800138000", "e164", "+8613800138000"),
        ("+8613800138000", "e164", "+8613800138000"),
        ("008613800138000", "e164", "+8613800138000"),
        ("13800138000", "national", "+8613800138000"),
        ("8613800138000", "national", "+8613800138000"),
        ("12025550041", "e164", "+12025550041"),
    ],
)
def test_a_number_is_the_same_however_the_centre_writes_it(
    written: str, numbers: Any, number: str
) -> None:
    assert number_of(Place(written, 0, 1), numbers) == number


def test_every_status_means_something_and_an_unknown_one_blames_nobody() -> None:
    assert CODES[0x58].meaning is CODES[0x14].meaning is Meaning.SLOW
    assert CODES[0x0B].meaning is Meaning.RECIPIENT
    assert CODES[0x0E].meaning is CODES[0x0A].meaning is Meaning.OURS
    assert code_of(0x400).meaning is Meaning.LATER
    assert code_of(0x400).name == "0x00000400"
