"""Where a webhook may go: what its host resolves to is looked at before anything is sent, and that is where it goes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from services.notify.channels.channel import ChannelFailed


@dataclass(frozen=True)
class Reachable:
    """The public internet, and the networks that the deployer names: a unit's receiver stands in one of these."""

    networks: Sequence[IPv4Network | IPv6Network] = ()

    @staticmethod
    def of(networks: Sequence[str]) -> Reachable:
        """`10.0.0.0/8`, …; raises `ValueError`."""
        return Reachable([ip_network(one) for one in networks])

    async def address_of(self, host: str, port: int) -> str:
        """An address of the host. Raises `ChannelFailed`: there is none, or one of them is not to be reached."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ChannelFailed("UNREACHABLE", away=True) from error
        addresses = [ip_address(to[0]) for *_, to in found]
        if not addresses or not all(self._may(one) for one in addresses):
            raise ChannelFailed("FORBIDDEN_ADDRESS")
        return str(addresses[0])

    def _may(self, address: IPv4Address | IPv6Address) -> bool:
        inside = (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
        public = inside.is_global and not inside.is_multicast
        return public or any(inside in network for network in self.networks)
