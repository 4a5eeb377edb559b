"""App notifications: signed requests, what each answer means, and a service on its bad days."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from outreach.channels import Adapter, ChannelUnavailable
from outreach.channels.webhook import Webhook
from outreach.core.model import About, accepted
from outreach.core.standard_webhooks import TOLERANCE, signed, verified
from outreach.core.words import State
from tests.channels.cases import CASES, push, results, states
from tests.channels.push_service import SECRET, Told, push_service

AT = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)


@contextmanager
def webhook(url: str, secret: str | None = SECRET, **more: Any) -> Iterator[Webhook]:
    with closing(Webhook(url=url, secret=secret, **more)) as adapter:
        yield adapter


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_case(case: Callable[[Adapter], None]) -> None:
    with push_service() as service, webhook(service.url) as adapter:
        case(adapter)


def test_a_notification_says_who_is_meant_and_what_to_show() -> None:
    with push_service() as service, webhook(service.url) as adapter:
        message = push(4)._replace(expires_at=AT + timedelta(hours=2))
        (outcome,) = results(adapter, [message]).values()

        assert outcome._replace(digest=b"") == accepted("p-4")
        (taken,) = service.taken
        assert taken.webhook_id == "outreach_7_4"
        assert taken.data == {
            "message": 4, "run": 7, "client": "00000004", "locale": "zh-CN", "title": "休市安排",
            "text": "国庆节休市。", "expires_at": "2026-09-28T09:30:00Z",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("told", "state", "about"),
    [
        ((202, b"", {}), State.ACCEPTED, About.MESSAGE),
        ((400, b"no such client", {}), State.FAILED, About.MESSAGE),
        ((410, b"the app was removed", {}), State.FAILED, About.MESSAGE),
        ((422, b"too long", {}), State.FAILED, About.MESSAGE),
        ((408, b"", {}), State.READY, About.MESSAGE),
        ((500, b"", {}), State.IN_DOUBT, About.CONNECTION),
        ((503, b"", {}), State.IN_DOUBT, About.CONNECTION),
        ("cut", State.IN_DOUBT, About.CONNECTION),
    ],
)
def test_what_an_answer_means(told: Told, state: State, about: About) -> None:
    def script(data: dict[str, Any]) -> Told:
        return told if data["message"] == 2 else None

    with push_service(script) as service, webhook(service.url) as adapter:
        found = results(adapter, letters_of(3))

    assert (found[2].state, found[2].about) == (state, about)
    assert {found[1].state, found[3].state} == {State.ACCEPTED}


def letters_of(count: int) -> list[Any]:
    return [push(n) for n in range(1, count + 1)]


def test_too_many_requests_stop_the_window_and_name_the_wait() -> None:
    def script(data: dict[str, Any]) -> Told:
        return None if data["message"] == 1 else (429, b"slow down", {"Retry-After": "7"})

    with push_service(script) as service, webhook(service.url, connections=1) as adapter:
        found = results(adapter, letters_of(5))
        assert len(service.taken) == 1

    assert [one.state for _, one in sorted(found.items())] == [State.ACCEPTED] + [State.READY] * 4
    assert (found[2].about, found[2].wait) == (About.RATE, 7.0)


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (None, "it has no secret"),
        ("whsec_not base64!", "no base64"),
        ("another", "it does not take our requests: 401 bad signature"),
    ],
)
def test_without_the_right_secret_no_client_is_blamed(secret: str | None, words: str) -> None:
    with push_service() as service:
        with (
            pytest.raises(ChannelUnavailable, match=words),
            webhook(service.url, secret) as adapter,
        ):
            list(adapter.send(letters_of(2)))
        assert service.taken == []


def test_nobody_listening_stops_the_sender() -> None:
    with push_service() as service:
        url = service.url
    with pytest.raises(ChannelUnavailable, match=r"127\.0\.0\.1: "), webhook(url) as adapter:
        list(adapter.send(letters_of(2)))


BAD: list[Told] = ["taken_cut", "taken_500", "cut", (502, b"bad gateway", {})]


@pytest.mark.parametrize("seed", range(5))
def test_a_service_that_keeps_to_the_standard_is_simply_asked_again(seed: int) -> None:
    dice = Random(seed)  # noqa: S311

    def script(_: dict[str, Any]) -> Told:
        return dice.choice([*BAD, None, None, None, None])

    with (
        push_service(script, deduplicates=True) as service,
        webhook(service.url, deduplicates=True) as adapter,
    ):
        open_, rounds = {one.id: one for one in letters_of(40)}, 0
        while open_:
            for id_, outcome in results(adapter, list(open_.values())).items():
                assert outcome.state in (State.ACCEPTED, State.READY)
                if outcome.state is State.ACCEPTED:
                    del open_[id_]
            rounds += 1
        assert rounds > 1
        assert Counter(one.data["message"] for one in service.taken) == dict.fromkeys(
            range(1, 41), 1
        )


@pytest.mark.parametrize("seed", range(5))
def test_another_service_gets_nothing_twice_and_what_is_not_known_is_in_doubt(seed: int) -> None:
    dice = Random(seed)  # noqa: S311

    def script(_: dict[str, Any]) -> Told:
        return dice.choice([*BAD, None, None, None, None])

    with push_service(script) as service, webhook(service.url) as adapter:
        found = states(adapter, letters_of(40))
        taken = {one.data["message"] for one in service.taken}

    assert {id_ for id_, state in found.items() if state is State.ACCEPTED} <= taken
    assert taken <= {
        id_ for id_, state in found.items() if state in (State.ACCEPTED, State.IN_DOUBT)
    }


# --- the signature -------------------------------------------------------------------------------


def tampered() -> Iterator[tuple[str, dict[str, str], bytes, datetime]]:
    headers = signed(SECRET, "m1", b"{}", AT)
    yield "another body", headers, b"{ }", AT
    yield "another id", {**headers, "webhook-id": "m2"}, b"{}", AT
    yield "another time", {**headers, "webhook-timestamp": "1790000000"}, b"{}", AT
    yield "no signature", {k: v for k, v in headers.items() if "signature" not in k}, b"{}", AT
    yield "another version", {**headers, "webhook-signature": "v1a,x"}, b"{}", AT
    yield "no time", {**headers, "webhook-timestamp": "soon"}, b"{}", AT
    yield "a strange time", {**headers, "webhook-timestamp": "٣"}, b"{}", AT
    yield "too old", headers, b"{}", AT + TOLERANCE + timedelta(seconds=1)
    yield "too early", headers, b"{}", AT - TOLERANCE - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("what", "headers", "body", "now"), list(tampered()), ids=lambda one: str(one)[:20]
)
def test_a_request_that_was_changed_or_kept_is_not_ours(
    what: str, headers: dict[str, str], body: bytes, now: datetime
) -> None:
    assert not verified(SECRET, headers, body, now), what


def test_a_signed_request_is_ours_also_while_the_secret_is_being_changed() -> None:
    headers = signed(SECRET, "m1", b"{}", AT)
    old = signed("whsec_b2xkZXI=", "m1", b"{}", AT)["webhook-signature"]
    both = {**headers, "webhook-signature": f"{old} {headers['webhook-signature']}"}

    assert verified(SECRET, headers, b"{}", AT)
    assert verified(SECRET, both, b"{}", AT + TOLERANCE)
