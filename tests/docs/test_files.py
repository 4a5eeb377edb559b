"""docs/files.md names every field and every header the imports go by."""

from pathlib import Path

import pytest

from outreach.core import consent_rows, halt_rows, holding_rows
from outreach.core.client_columns import CLIENT_ALIASES, CONSENT_ALIASES

TEXT = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("field", [*CLIENT_ALIASES, *CONSENT_ALIASES])
def test_every_client_field_has_its_line_with_its_headers(field: str) -> None:
    (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| `{field}` |")]
    headers = {**CLIENT_ALIASES, **CONSENT_ALIASES}[field]

    assert [header for header in headers[1:] if header not in line] == []


@pytest.mark.parametrize("room", [holding_rows, consent_rows, halt_rows])
def test_every_other_column_is_named(room: object) -> None:
    assert [name for name in room.ALIASES if f"`{name}`" not in TEXT] == []  # type: ignore[attr-defined]
