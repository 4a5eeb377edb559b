"""What a segment means, once more and without SQL: the judge of the compiled conditions.

Works on a condition as it is written, so that it shares nothing with what it judges.
"""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

MONEY = {"total_assets", "average_daily_assets", "cash", "holdings_value"}
LISTS = {"permissions", "topics"}


def holds(
    where: Mapping[str, Any],
    client: Mapping[str, Any],
    today: date,
    lists: Mapping[str, Collection[str]],
    holders: Collection[int] | None,
) -> bool | None:
    """True, False, or None where a fact is unknown and decides. `holders` None: nobody knows."""
    rest = (client, today, lists, holders)
    if "all" in where:
        return _least([holds(part, *rest) for part in where["all"]])
    if "any" in where:
        return _most([holds(part, *rest) for part in where["any"]])
    if "not" in where:
        inner = holds(where["not"], *rest)
        return None if inner is None else not inner
    if "list_file" in where:
        return client["client_no"] in lists[where["list_file"]]
    if "holds_halted" in where:
        return None if holders is None else client["id"] in holders
    name = where["field"]
    asked = {key: value for key, value in where.items() if key != "field"}
    return _least([_answer(name, client[name], key, value, today) for key, value in asked.items()])


def _least(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _most(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def _answer(name: str, fact: Any, key: str, value: Any, today: date) -> bool | None:
    if key == "is_set":
        return (bool(fact) if name in LISTS else fact is not None) is value
    if fact is None:
        return None
    if key == "contains":
        return str(value) in fact.split(",")
    if name in MONEY:
        fact = Decimal(fact) / 100
        value = [Decimal(str(v)) for v in value] if key == "in" else Decimal(str(value))
    if key.endswith(("_since", "_until")):
        return _span(fact, key, value, today)
    if key in ("is", "on"):
        return bool(fact == value)
    if key == "in":
        return fact in value
    order = (fact > value) - (fact < value)
    return order in {
        "at_least": (0, 1), "above": (1,), "after": (1,),
        "at_most": (-1, 0), "below": (-1,), "before": (-1,),
    }[key]  # fmt: skip


def _span(fact: date, key: str, value: Mapping[str, int], today: date) -> bool:
    unit, direction = key.split("_")

    def moved(count: int) -> date:
        offset = pd.DateOffset(**{unit: count})  # type: ignore[arg-type]
        now = pd.Timestamp(today)
        return ((now - offset) if direction == "since" else (now + offset)).date()

    near = moved(value.get("at_least", 0))
    if direction == "since":
        return fact <= near and ("at_most" not in value or fact >= moved(value["at_most"]))
    return fact >= near and ("at_most" not in value or fact <= moved(value["at_most"]))
