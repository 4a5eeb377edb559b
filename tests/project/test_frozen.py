"""What a run was frozen as stays readable, whatever campaign and config files look like later."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from outreach.core.model import FrequencyCap, Frozen
from outreach.core.occurrence import Occurrence
from outreach.core.run_values import RunValues
from outreach.core.words import Channel
from outreach.project.definition import redefine

# A run as it was stored in November 2026. This file never changes: where a test here fails, give
# the new key a default that means what was before, or runs on record cannot be explained any more.
FROZEN = Path(__file__).with_name("frozen_2026_11.json")
DUE = datetime(2026, 11, 22, 2, tzinfo=UTC)


def parts() -> dict[str, Any]:
    return dict(json.loads(FROZEN.read_text(encoding="utf-8")))


def thawed(stored: dict[str, Any]) -> Any:
    return redefine(
        {
            kind: Frozen(kind, part["name"], "", orjson.dumps(part["content"]))
            for kind, part in stored.items()
        }
    )


def test_a_run_of_november_2026_makes_the_same_texts_and_is_judged_by_the_same_limits() -> None:
    run = thawed(parts())
    occurrence = Occurrence("2026-11-22", DUE, DUE.replace(day=25))
    constants = run.constants(occurrence, date(2026, 11, 22))
    values = RunValues(
        occurrence.key, DUE, occurrence.expires_at, 2026, approved=True, constants=constants
    )
    seen = run.facts(values)
    sheet = run.sheet(seen, constants, 2026)
    (text,) = sheet.template.render(Channel.SMS, "zh-CN", constants["zh-CN"], [()])

    assert text == ("【示例证券】尊敬的客户：系统升级，详询95000。",)
    assert seen.cap == FrequencyCap(messages=2, days=7)
    assert seen.contact_hours is not None
    assert sheet.gates[0].name == "legal_hold"
    assert sheet.routes[Channel.SMS] == (("", "sms-file", "file"),)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        pytest.param("campaign", (), id="of a campaign"),
        pytest.param("campaign", ("occurrence",), id="of an occurrence"),
        pytest.param("policy", ("config",), id="of the config"),
        pytest.param("policy", ("config", "senders", "relay"), id="of a sender"),
        pytest.param("template", (), id="of the template"),
    ],
)
def test_a_key_that_files_may_no_longer_hold_does_not_hide_the_run(
    kind: str, place: tuple[str, ...]
) -> None:
    stored = parts()
    table = stored[kind]["content"]
    for name in place:
        table = table[name]
    table["given_up_in_2030"] = True

    assert thawed(stored).campaign_id == "notice"
