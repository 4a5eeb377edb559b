"""Who asks, how often, and how much: the client behind trusted proxies, and a budget an address.

Only what shows no secret is counted: a request that is signed, or holds a valid token, is never
turned away for its rate. So a flood of rubbish cannot keep out a provider's reports, even where a
proxy hides who is who.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

_MOST: Final = 20_000  # addresses remembered at once

Network = IPv4Network | IPv6Network


class Within:
    """A list of addresses and networks."""

    def __init__(self, written: Iterable[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(
            ip_network(one, strict=False) for one in written
        )

    def __contains__(self, address: object) -> bool:
        found = _read(str(address))
        return found is not None and any(found in network for network in self._networks)

    def __bool__(self) -> bool:
        return bool(self._networks)


class Callers:
    """Tells the address of the client from that of the proxies before us."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = Within(trusted)
        self._known = lru_cache(maxsize=4096)(self._behind)

    def address(self, scope: Mapping[str, Any]) -> str:
        """The client's address: of `X-Forwarded-For` the last one that is no proxy of ours. What
        stands before it anybody can have written. Without a trusted proxy, the peer itself."""
        peer = scope.get("client") or ("", 0)
        hops = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
        ]
        return self._known(str(peer[0]), ",".join(hops)) if hops else str(peer[0])

    def _behind(self, peer: str, hops: str) -> str:
        last = peer
        for hop in reversed(hops.split(",")):
            if last not in self._trusted:
                break
            found = _read(hop.strip())
            if found is None:
                break
            last = str(found)
        return last


class Rates:
    """A budget an address: so many at once, refilled by so many a second."""

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._spent: dict[str, tuple[float, float]] = {}  # key: (spent, as of)

    def allows(self, address: str) -> bool:
        """Take one from the budget of an address; False when it is used up."""
        key, now = _household(address), self._clock()
        spent, since = self._spent.get(key, (0.0, now))
        spent = max(0.0, spent - (now - since) * self._per_second)
        if spent + 1 > self._burst:
            self._spent[key] = (spent, now)
            return False
        if key not in self._spent and len(self._spent) >= _MOST:
            self._forget(now)
        self._spent[key] = (spent + 1, now)
        return True

    def _forget(self, now: float) -> None:
        """Those whose budget is whole again; when there are none, everybody begins anew."""
        open_ = {
            key: (spent, since)
            for key, (spent, since) in self._spent.items()
            if spent > (now - since) * self._per_second
        }
        self._spent = open_ if len(open_) < _MOST // 2 else {}


@lru_cache(maxsize=4096)
def _household(address: str) -> str:
    """One who has an IPv6 address has 2**64 of them: they share a budget."""
    found = _read(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found, 64), strict=False))
    return address


def _read(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
