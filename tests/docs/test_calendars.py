"""What docs/calendars.md shows is what the program takes."""

import re
from pathlib import Path

from outreach.feeds import calendar_file

PAGE = (Path(__file__).parents[2] / "docs" / "calendars.md").read_text(encoding="utf-8")


def test_the_example_file_is_taken() -> None:
    (example,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)

    parsed = calendar_file.parse("example.csv", example.encode())

    assert parsed.problems == ()
    assert (len(parsed.coverage), len(parsed.days)) == (1, 3)


def test_every_column_and_kind_is_explained() -> None:
    for column in calendar_file.COLUMNS:
        assert f"`{column}`" in PAGE, column
    for kind in calendar_file.KINDS:
        assert f"`{kind}`" in PAGE, kind
