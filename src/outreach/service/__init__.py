"""`outreach serve`: rounds of firing what is due and working what may go out, for months."""

from outreach.service.rounds import Opened, Service

__all__ = ["Opened", "Service"]
