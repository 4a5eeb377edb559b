"""Segments: named conditions on the client book, as a clerk writes them in campaigns/segments.toml.

A condition is true, false or unknown for a client. Only clients for whom it is true belong to the
segment: an unknown fact never matches, and neither does its `not`, so that a gap in the client book
never puts anybody into an audience. `is_set` asks for the gap itself.
"""

from outreach.core.segment.condition import (
    All,
    AnyOf,
    Condition,
    HoldsHalted,
    Listed,
    Not,
    Question,
    Span,
)
from outreach.core.segment.list_file import client_numbers
from outreach.core.segment.sentence import describe
from outreach.core.segment.written import Segment, Segments, Where

__all__ = [
    "All",
    "AnyOf",
    "Condition",
    "HoldsHalted",
    "Listed",
    "Not",
    "Question",
    "Segment",
    "Segments",
    "Span",
    "Where",
    "client_numbers",
    "describe",
]
