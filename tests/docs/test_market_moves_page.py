"""docs/market-moves.md names every column, key and value, and its example is read."""

import tomllib
from datetime import date
from pathlib import Path

from outreach.core.market_conditions import MarketCondition, OnMarketMove
from outreach.core.market_rows import LEVEL_ALIASES, RATIO_ALIASES
from outreach.core.market_values import MARGIN_NAMES, MOVE_NAMES

TEXT = (Path(__file__).parents[2] / "docs" / "market-moves.md").read_text(encoding="utf-8")


def test_every_column_key_and_value_is_named() -> None:
    keys = {*MarketCondition.model_fields, *OnMarketMove.model_fields} - {"conditions"}
    named = {*LEVEL_ALIASES, *RATIO_ALIASES, *MOVE_NAMES, *MARGIN_NAMES}

    assert [name for name in sorted(keys) if name not in TEXT] == []
    assert [name for name in sorted(named) if f"`{name}`" not in TEXT] == []


def test_the_example_is_what_a_campaign_may_say() -> None:
    example = TEXT.split("```toml\n")[1].split("```")[0]
    rule = OnMarketMove.model_validate(tomllib.loads(example)["occurrence"])

    assert f"`{rule.conditions[0].key(date(2026, 9, 28), 1)}`" in TEXT
