"""What every adapter must do, whatever it speaks. Each adapter's tests run all of `CASES`."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from outreach.channels import Adapter
from outreach.core.model import Message, Outcome
from outreach.core.words import Channel, State

AT: Final = datetime(2026, 9, 28, 7, 30, tzinfo=UTC)


def sms(id_: int = 1, body: str = "【示例证券】国庆节休市安排。", run_id: int = 7) -> Message:
    return Message(id_, run_id, f"+1202555{id_:04d}", "zh-CN", (body,), AT, None)


def mail(
    id_: int = 1,
    subject: str = "关于国庆节休市安排的通知",
    text: str = "尊敬的客户：\n国庆节休市。\n",
    html: str = "<p>国庆节休市。</p>\n",
    *,
    run_id: int = 7,
    to: str = "",
) -> Message:
    address, link = to or f"user{id_}@ok.test", f"https://broker.example/u/{id_}"
    return Message(id_, run_id, address, "zh-CN", (subject, text, html), AT, link)


def push(id_: int = 1, title: str = "休市安排", text: str = "国庆节休市。") -> Message:
    return Message(id_, 7, f"{id_:08}", "zh-CN", (title, text), AT, None)


WRITE: Final[dict[Channel, Callable[[int], Message]]] = {
    Channel.SMS: sms,
    Channel.EMAIL: mail,
    Channel.PUSH: push,
}


def letters(channel: Channel, count: int, first: int = 1) -> list[Message]:
    """`count` messages of a channel with ids from `first` on."""
    return [WRITE[channel](id_) for id_ in range(first, first + count)]


def results(adapter: Adapter, messages: Sequence[Message]) -> dict[int, Outcome]:
    """The outcomes by message id; a message with none or two of them fails the test."""
    pairs = list(adapter.send(messages))
    assert Counter(id_ for id_, _ in pairs) == Counter(message.id for message in messages)
    return dict(pairs)


def states(adapter: Adapter, messages: Sequence[Message]) -> dict[int, State]:
    return {id_: outcome.state for id_, outcome in results(adapter, messages).items()}


def every_message_has_one_outcome(adapter: Adapter) -> None:
    messages = letters(adapter.channel, min(adapter.window, 60))

    assert set(states(adapter, messages).values()) == {State.ACCEPTED}


def an_empty_window_is_no_work(adapter: Adapter) -> None:
    assert list(adapter.send([])) == []


def any_script_and_emoji_is_taken(adapter: Adapter) -> None:
    texts = ("ascii only", "繁體與简体 𠮷野家", "emoji 👨‍👩‍👧 🇨🇳", "‏עברית", ".\n..\n.leading dots")
    write = _SAYING[adapter.channel]

    messages = [write(id_, text) for id_, text in enumerate(texts, 1)]

    assert set(states(adapter, messages).values()) == {State.ACCEPTED}


def an_adapter_serves_many_windows(adapter: Adapter) -> None:
    for window in range(3):
        messages = letters(adapter.channel, 7, first=1 + window * 7)
        assert set(states(adapter, messages).values()) == {State.ACCEPTED}


def the_wrong_kind_of_message_is_refused_and_stops_no_other(adapter: Adapter) -> None:
    good = letters(adapter.channel, 3)
    wrong = sms(9) if adapter.channel is not Channel.SMS else mail(9)

    found = states(adapter, [good[0], wrong, *good[1:]])

    assert found == {1: State.ACCEPTED, 9: State.FAILED, 2: State.ACCEPTED, 3: State.ACCEPTED}


def half_a_character_is_refused_and_stops_no_other(adapter: Adapter) -> None:
    write = _SAYING[adapter.channel]

    found = results(adapter, [write(1, "good"), write(2, "half \ud83d"), write(3, "good")])

    assert [found[id_].state for id_ in (1, 2, 3)] == [
        State.ACCEPTED,
        State.FAILED,
        State.ACCEPTED,
    ]
    assert "half" not in found[2].code


def closing_twice_is_harmless(adapter: Adapter) -> None:
    results(adapter, letters(adapter.channel, 2))

    adapter.close()
    adapter.close()


def _sms_of(id_: int, text: str) -> Message:
    """As the engine hands it over: every SMS begins with the firm's signature."""
    return sms(id_, f"【示例证券】{text}")


def _mail_of(id_: int, text: str) -> Message:
    subject = text.split("\n")[0].encode("utf-8", "replace").decode()
    return mail(id_, subject, text, f"<p>{text}</p>")


def _push_of(id_: int, text: str) -> Message:
    return push(id_, text.split("\n")[0][:30] or "-", text)


_SAYING: Final = {Channel.SMS: _sms_of, Channel.EMAIL: _mail_of, Channel.PUSH: _push_of}

CASES: Final[tuple[Callable[[Adapter], None], ...]] = (
    every_message_has_one_outcome,
    an_empty_window_is_no_work,
    any_script_and_emoji_is_taken,
    an_adapter_serves_many_windows,
    the_wrong_kind_of_message_is_refused_and_stops_no_other,
    half_a_character_is_refused_and_stops_no_other,
    closing_twice_is_harmless,
)
