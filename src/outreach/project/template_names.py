"""The names a text may use: those every campaign has, and those of one kind of occurrence."""

from typing import Final, Literal

from outreach.core.campaign import Campaign
from outreach.core.incident_values import INCIDENT_NAMES
from outreach.core.market_conditions import OnMarketMove
from outreach.core.market_values import MARGIN_NAMES, MOVE_NAMES
from outreach.core.survey_values import SURVEY_NAMES
from outreach.core.values import CLIENT_VALUES

Kind = Literal["closure", "halt", "day", "incident", "market_move"]

FIRM_NAMES: Final = frozenset(
    {
        "firm_name",
        "firm_legal_name",
        "hotline",
        "hotline_hours",
        "website",
        "firm_address",
        "risk_line",
        "today",
    }
)
CLOSURE_NAMES: Final = frozenset(
    {
        "holiday",
        "market_name",
        "close_from",
        "close_to",
        "close_days",
        "last_session",
        "reopen",
        "weekend_closed",
        "correction",
    }
)
HALT_NAMES: Final = frozenset({"securities", "securities_count"})
OF_KIND: Final[dict[Kind, frozenset[str]]] = {
    "closure": CLOSURE_NAMES,
    "halt": HALT_NAMES,
    "day": frozenset(),
    "incident": INCIDENT_NAMES,
    "market_move": MOVE_NAMES | MARGIN_NAMES,
}
EVERYWHERE: Final = FIRM_NAMES | frozenset(CLIENT_VALUES) | {"unsubscribe_url"}
BUILT_IN: Final = EVERYWHERE.union(SURVEY_NAMES, *OF_KIND.values())


def names_of(campaign: Campaign) -> frozenset[str]:
    """Every name the texts of a campaign may use."""
    asked = SURVEY_NAMES if campaign.survey else frozenset()
    return EVERYWHERE | of_occurrence(campaign) | frozenset(campaign.values) | asked


def of_occurrence(campaign: Campaign) -> frozenset[str]:
    """The names that the occurrences of a campaign give to its texts."""
    rule = campaign.occurrence
    if isinstance(rule, OnMarketMove):
        return MARGIN_NAMES if rule.margin else MOVE_NAMES
    return OF_KIND[rule.kind]


def kind_with(name: str) -> Kind | None:
    """The kind of occurrence that knows a name; None where none does."""
    return next((kind for kind, names in OF_KIND.items() if name in names), None)
