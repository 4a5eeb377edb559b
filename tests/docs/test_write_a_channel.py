"""docs/write-a-channel.md names what there is: members, outcomes, cases, slots, meanings."""

import json
import re
import socket
import socketserver
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, get_args

import pytest

from outreach.channels import Adapter, ChannelUnavailable
from outreach.core import model
from outreach.core.gateway.profile import SHIPPED, Meaning, Signing
from outreach.core.words import Channel, State
from outreach.project.config import GatewaySender
from tests.channels.cases import CASES, letters, results

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "write-a-channel.md").read_text(encoding="utf-8")


def test_every_member_of_an_adapter_is_explained() -> None:
    members = {name for name in vars(Adapter) if not name.startswith("_")}

    assert [name for name in sorted(members) if f"- `{name}" not in PAGE] == []


def test_every_outcome_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE)

    assert rows == [
        one.__name__ for one in (model.accepted, model.refused, model.unavailable, model.in_doubt)
    ]


def test_every_meaning_and_way_to_sign_is_named() -> None:
    signs = get_args(Signing.model_fields["kind"].annotation)

    assert [word for word in (*get_args(Meaning), *signs) if f"`{word}`" not in PAGE] == []


def test_every_slot_of_a_shipped_profile_is_named() -> None:
    folder = ROOT / "src" / "outreach" / "data" / "gateways"
    text = "".join((folder / f"{name}.toml").read_text(encoding="utf-8") for name in SHIPPED)
    slots = set(re.findall(r'"\{(\w+)(?::\w+)?\}"', text)) - {"limit", "page", "reference"}

    assert [slot for slot in sorted(slots) if f"`{{{slot}}}`" not in PAGE] == []


def test_the_example_is_a_sender() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (example,) = (block for block in blocks if "sms-mainland" in block)

    assert GatewaySender.model_validate(tomllib.loads(example)["senders"]["sms-mainland"])


def test_the_page_says_as_many_cases_as_there_are() -> None:
    """Five lines: one outcome and no work share one, and so do the two that are refused."""
    asked = PAGE.partition("## What the shared tests ask")[2].partition("##")[0]

    assert (len(re.findall(r"^- ", asked, re.MULTILINE)), len(CASES)) == (5, 7)


def test_every_file_the_page_names_is_there() -> None:
    named = re.findall(r"`((?:channels|core|project|tests)/[\w./]*\w)`", PAGE)

    assert named
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "src" / "outreach" / name).exists(), name


# --- the channel of another package ----------------------------------------------------------


@pytest.fixture
def carrier() -> Iterator["Carrier"]:
    with Carrier() as server:
        yield server


class Carrier(socketserver.ThreadingTCPServer):
    """Answers each line with one; `say` gives an answer other than the usual, or hangs up."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Lines)
        self.taken: list[dict[str, Any]] = []
        self.say: Callable[[dict[str, Any]], bytes | None] = lambda asked: None
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def adapter(self, port: int | None = None) -> Adapter:
        """The channel of the page, opened as its entry point is."""
        (block,) = (one for one in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
        names: dict[str, Any] = {}
        exec(block, names)  # noqa: S102
        settings = {"host": "127.0.0.1", "port": port or self.server_address[1]}
        opened: Adapter = names["opens"](
            channel=Channel.SMS, address="95000", secret="k", settings=settings
        )
        return opened


class _Lines(socketserver.StreamRequestHandler):
    server: Carrier

    def handle(self) -> None:
        for line in self.rfile:
            asked = json.loads(line)
            self.server.taken.append(asked)
            answer = self.server.say(asked)
            if answer == b"":
                return
            said = {"code": 0, "ref": f"R{asked['id']}"}
            self.wfile.write(answer or json.dumps(said).encode() + b"\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_channel_of_the_page_does_what_every_channel_does(
    carrier: Carrier, case: Callable[[Adapter], None]
) -> None:
    adapter = carrier.adapter()
    case(adapter)
    adapter.close()


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (b'{"code": 7}\n', State.FAILED, "7"),
        (b'{"code": 99}\n', State.READY, "99"),
        (b"<html>\n", State.IN_DOUBT, "no_answer"),
        (b"[]\n", State.IN_DOUBT, "no_answer"),
        (b"", State.IN_DOUBT, "no_answer"),
    ],
)
def test_what_the_carrier_of_the_page_answers(
    carrier: Carrier, answer: bytes, state: State, code: str
) -> None:
    carrier.say = lambda asked: answer if asked["id"] == 2 else None
    adapter = carrier.adapter()
    found = results(adapter, letters(Channel.SMS, 3))
    adapter.close()

    assert (found[2].state, found[2].code) == (state, code)
    assert {found[1].provider_ref, found[3].provider_ref} == {"R1", "R3"}
    assert [one["id"] for one in carrier.taken] == [1, 2, 3]


def test_nobody_listening_stops_the_channel_of_the_page(carrier: Carrier) -> None:
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        adapter = carrier.adapter(nobody.getsockname()[1])
    with pytest.raises(ChannelUnavailable, match="cannot be reached"):
        list(adapter.send(letters(Channel.SMS, 2)))
