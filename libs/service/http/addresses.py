"""Who counts as one client: by the address that a request came from, or that a trusted proxy says. Knows no route."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from starlette.types import Scope


def client_of(scope: Scope) -> str:
    """The client of a request; behind a proxy that `--trusted-proxies` names the one that it says."""
    said = scope.get("client")
    return network(said[0]) if said else ""


def network(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the /64 that one IPv6 subscriber holds."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(known) >> 64 << 64)) if isinstance(known, IPv6Address) else str(known)
