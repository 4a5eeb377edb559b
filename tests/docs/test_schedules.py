"""Every example of docs/schedules.md can be written into a campaign as it stands."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from outreach.core.campaign import Schedule
from outreach.project.schema import schema

PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n\[schedule\]\n(.*?)```", PAGE, re.DOTALL)
KINDS = schema("campaign")["properties"]["schedule"]["discriminator"]["mapping"].keys()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_schedule(example: str) -> None:
    adapter: TypeAdapter[Schedule] = TypeAdapter(Schedule)

    assert adapter.validate_python(tomllib.loads(example))


def test_every_kind_of_schedule_is_on_the_page() -> None:
    assert [kind for kind in KINDS if f'"{kind}"' not in PAGE] == []
